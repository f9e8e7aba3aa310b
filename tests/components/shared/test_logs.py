"""What is done with logs: personal data is masked, and queries ask for what the logs have."""

import re

import pytest

from components.shared.logs import QUERIES
from tests.host.configuration import file_of
from tests.recorder import Recording

PROTECTION = "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy"
QUERY = "aws:cloudwatch/queryDefinition:QueryDefinition"
AMAZONS = "arn:aws:dataprotection::aws:data-identifier/"
WORDS = {
    *("and", "or", "like", "as", "by", "asc", "desc", "count", "latest", "max", "pct"),
    *("fields", "filter", "limit", "sort", "stats"),
}
OF_CLOUDWATCH = {"@message", "@timestamp", "@logStream"}
OF_WINSTON = {"level", "message"}


def test_logs_with_personal_data_are_masked(stack: Recording, environment: str) -> None:
    protected = {each.plain["logGroupName"]: each.document("policyDocument") for each in stack.of_type(PROTECTION)}

    assert sorted(protected) == [
        f"/aws/rds/instance/fixrx-{environment}-postgres-primary/postgresql",
        f"/aws/rds/instance/fixrx-{environment}-postgres-replica/postgresql",
        f"/fixrx/{environment}/servers/application",
        f"/fixrx/{environment}/servers/nginx",
    ]
    for policy in protected.values():
        audit, mask = policy["Statement"]
        assert audit["Operation"] == {"Audit": {"FindingsDestination": {}}}
        assert mask["Operation"] == {"Deidentify": {"MaskConfig": {}}}
        assert audit["DataIdentifier"] == mask["DataIdentifier"]
        assert {f"{AMAZONS}EmailAddress", f"{AMAZONS}PhoneNumber-US", "InternationalPhoneNumber"} <= set(
            mask["DataIdentifier"]
        )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+12025550123", True),
        ("+442079460958", True),
        ("+1202555", False),
        ("2026-11-26T03:15:00+00:00", False),
        ("12025550123", False),
    ],
)
def test_international_numbers_are_found(production: Recording, text: str, found: bool) -> None:
    policy = production.of_type(PROTECTION)[0].document("policyDocument")
    (custom,) = policy["Configuration"]["CustomDataIdentifier"]

    assert bool(re.search(custom["Regex"], f'"phone":"{text}"')) == found


def test_queries_ask_the_stacks_own_log_groups(stack: Recording, environment: str) -> None:
    queries = stack.of_type(QUERY)

    assert {each.plain["name"] for each in queries} == {f"fixrx-{environment}/{title}" for title in QUERIES}
    assert {group for each in queries for group in each.plain["logGroupNames"]} == {
        f"/fixrx/{environment}/servers/{purpose}" for purpose in ("application", "boot", "nginx")
    }


@pytest.mark.parametrize("title", QUERIES)
def test_query_asks_for_fields_that_the_log_has(title: str) -> None:
    """nginx's are those of its rendered log format, the application's those of the guide's winston."""
    nginx = set(re.findall(r'"(\w+)":', file_of("/etc/nginx/nginx.conf").text.partition("access_log")[0]))
    text = re.sub(r"'[^']*'", "", " ".join(QUERIES[title].lines))
    named = set(re.findall(r"as (\w+)", text))
    asked = set(re.findall(r"@?[a-zA-Z]\w*", text)) - WORDS - named

    known = OF_CLOUDWATCH | (nginx if "nginx" in QUERIES[title].groups else set())
    known |= OF_WINSTON if "application" in QUERIES[title].groups else set()
    assert asked - known == set()
    assert {"status", "seconds", "path", "client", "trace"} <= nginx
