"""The decorator that makes a rule of a predicate."""

from collections.abc import Iterator

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope, Setting, rule
from policies.engine.stack import StackGraph
from tests.policies.resources import resource


@rule(
    "rds-backup-retention-is-sufficient",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=["aws:rds/instance"],
    security_hub=["RDS.11"],
    remediation="Raise it.",
    settings={"days": Setting(default=7, minimum=1, maximum=35, description="Days")},
)
def sufficient(database: StackResource, context: Context) -> Iterator[Problem]:
    """Databases keep backups long enough."""
    if database.get("days") < context.settings["days"]:
        yield "keeps backups too short"


def test_decorated_predicate_is_a_rule_described_by_its_docstring() -> None:
    assert isinstance(sufficient, Rule)
    assert (sufficient.name, sufficient.description, sufficient.scope) == (
        "rds-backup-retention-is-sufficient",
        "Databases keep backups long enough.",
        Scope.RESOURCE,
    )
    assert sufficient.default_settings() == {"days": 7}
    assert sufficient.url == "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-11"


def test_rule_checks_what_its_predicate_says() -> None:
    context = Context(stack=StackGraph(()), settings=sufficient.default_settings())
    problems = [list(sufficient.check(resource("aws:rds/instance", "db", {"days": n}), context)) for n in (6, 7)]

    assert problems == [["keeps backups too short"], []]
