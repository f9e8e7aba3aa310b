"""What is done with logs: personal data is masked, and the queries that an operator needs at night are saved.

CloudWatch masks when a line arrives; docs/metrics.md says who can read what is masked.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

PHONE_COUNTRIES = ("BR", "DE", "ES", "FR", "GB", "IT", "US")
"""All whose numbers CloudWatch knows."""
INTERNATIONAL_PHONE = "InternationalPhoneNumber"
"""The way Twilio writes the numbers of all countries: +12025550123."""
MASKED = (
    "arn:aws:dataprotection::aws:data-identifier/EmailAddress",
    *(f"arn:aws:dataprotection::aws:data-identifier/PhoneNumber-{country}" for country in PHONE_COUNTRIES),
    INTERNATIONAL_PHONE,
)


@dataclass(frozen=True)
class _Query:
    groups: Sequence[str]
    """Purposes of the log groups that it asks."""
    lines: Sequence[str]


QUERIES: Mapping[str, _Query] = {
    "server errors by route": _Query(
        ["nginx"],
        [
            "filter status >= 500",
            "stats count(*) as errors, latest(trace) as example by method, path, status",
            "sort errors desc",
            "limit 50",
        ],
    ),
    "slow requests by route": _Query(
        ["nginx"],
        [
            "filter seconds > 1",
            "stats count(*) as slow, pct(seconds, 95) as p95, max(seconds) as longest by method, path",
            "sort slow desc",
            "limit 50",
        ],
    ),
    "one request": _Query(
        ["nginx", "application"],
        [
            "fields @timestamp, @logStream, @message",
            "filter @message like 'Root=1-00000000-000000000000000000000000'",
            "sort @timestamp asc",
            "limit 200",
        ],
    ),
    "refused logins by client": _Query(
        ["nginx"],
        [
            "filter path like '/auth/' and (status = 401 or status = 403 or status = 429)",
            "stats count(*) as refused, latest(status) as last by client, path",
            "sort refused desc",
            "limit 50",
        ],
    ),
    "limited clients": _Query(
        ["nginx"],
        ["filter status = 429", "stats count(*) as limited by client", "sort limited desc", "limit 50"],
    ),
    "errors of the application": _Query(
        ["application"],
        [
            "filter level = 'error'",
            "stats count(*) as errors, latest(@timestamp) as last by message",
            "sort errors desc",
            "limit 50",
        ],
    ),
    "servers that do not start": _Query(
        ["boot"],
        [
            "fields @timestamp, @logStream, @message",
            "filter @message like 'FIXRX BOOT FAILED'",
            "sort @timestamp desc",
            "limit 50",
        ],
    ),
}
"""What is asked at night, by name. In "one request", put in the id that nginx or the load balancer reports."""


def save_queries(
    name: str, prefix: str, groups: Mapping[str, aws.cloudwatch.LogGroup], opts: pulumi.ResourceOptions
) -> None:
    """Save the queries in a folder of the stack; `groups` has the log groups by purpose."""
    for title, query in QUERIES.items():
        aws.cloudwatch.QueryDefinition(
            f"{name}-{title.replace(' ', '-')}",
            name=f"{prefix}/{title}",
            log_group_names=[groups[purpose].name for purpose in query.groups],
            query_string="\n| ".join(query.lines),
            opts=opts,
        )


def mask_personal_data(name: str, group: aws.cloudwatch.LogGroup, opts: pulumi.ResourceOptions) -> None:
    """Mask e-mail addresses and telephone numbers in what arrives in a log group from now on."""
    aws.cloudwatch.LogDataProtectionPolicy(
        f"{name}-personal-data",
        log_group_name=group.name,
        policy_document=json.dumps(
            {
                "Name": "personal-data",
                "Version": "2021-06-01",
                "Configuration": {
                    "CustomDataIdentifier": [{"Name": INTERNATIONAL_PHONE, "Regex": r"\+[1-9][0-9]{7,14}"}]
                },
                # Both have to name the same data. Nobody is told what was found: that would be another copy.
                "Statement": [
                    {"Sid": "audit", "DataIdentifier": MASKED, "Operation": {"Audit": {"FindingsDestination": {}}}},
                    {"Sid": "mask", "DataIdentifier": MASKED, "Operation": {"Deidentify": {"MaskConfig": {}}}},
                ],
            }
        ),
        opts=opts,
    )
