"""What breaks the rules of `policies.rules.tagging`."""

from tests.policies.changes import Case, drop, put
from tests.policies.exported import tags

CASES = (
    Case("tagging-required-tags-are-set", "cache", put("cache", "tags.Owner", ""), ("cache", "tags")),
    Case("tagging-required-tags-are-set", "servers", drop("servers", "tags"), None),
    Case(
        "tagging-launch-template-tags-are-set",
        "template",
        put("template", "tagSpecifications", [{"resourceType": "instance", "tags": tags("server")}]),
        ("template", "tagSpecifications"),
    ),
    Case(
        "tagging-environment-is-consistent",
        "targets",
        put("targets", "tags.Environment", "staging"),
        ("targets", "tags"),
    ),
)
