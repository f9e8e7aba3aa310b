"""Log management: the trail of API calls, and backups that select something."""

from collections.abc import Iterator, Sequence
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_patterns import matches
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

BACKUP_GUIDE: Final = "https://docs.aws.amazon.com/aws-backup/latest/devguide"


@rule(
    "cloudtrail-trail-is-complete",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.TRAIL],
    security_hub=["CloudTrail.1", "CloudTrail.3"],
    remediation="Set is_multi_region_trail=True; remove enable_logging and include_global_service_events.",
)
def trail_is_complete(trail: StackResource, _: Context) -> Iterator[Problem]:
    """Trails record the API calls of all regions and of global services."""
    if trail.get("enableLogging") is False:
        yield "records nothing: enable_logging is off"
    if trail.get("isMultiRegionTrail") is not True:
        yield "records one region only: an attacker works in another"
    if trail.get("includeGlobalServiceEvents") is False:
        yield "does not record IAM: changes of permissions cannot be investigated"


@rule(
    "cloudtrail-log-files-are-validated",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.TRAIL],
    security_hub=["CloudTrail.4"],
    remediation="Set enable_log_file_validation=True.",
)
def log_files_are_validated(trail: StackResource, _: Context) -> Iterator[Problem]:
    """Trails notice when a log file is changed or deleted."""
    if trail.get("enableLogFileValidation") is not True:
        yield "does not validate its log files: an attacker can remove his traces unnoticed"


@rule(
    "cloudtrail-customer-managed-key-used",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.TRAIL],
    security_hub=["CloudTrail.2"],
    remediation="Set kms_key_id to the ARN of the logs key.",
)
def trail_customer_managed_key_used(trail: StackResource, _: Context) -> Iterator[Problem]:
    """Trails are encrypted with a customer-managed key."""
    if not aws.uses_own_key(trail, "kmsKeyId"):
        yield "is not encrypted with a customer-managed key: read access to the bucket is enough to read it"


@rule(
    "cloudtrail-is-sent-to-cloudwatch",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.TRAIL],
    security_hub=["CloudTrail.5"],
    remediation="Set cloud_watch_logs_group_arn and cloud_watch_logs_role_arn.",
)
def trail_is_sent_to_cloudwatch(trail: StackResource, _: Context) -> Iterator[Problem]:
    """Trails are sent to CloudWatch, where alarms can watch them."""
    if not trail.is_set("cloudWatchLogsGroupArn"):
        yield "is not sent to CloudWatch: no alarm can watch it"


@rule(
    "backup-selections-match-resources",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BACKUP_SELECTION],
    scope=Scope.STACK,
    # Conditions are compared by AWS, with tags of resources in other stacks too.
    applies_to=lambda selection: not selection.is_set("conditions"),
    documentation=f"{BACKUP_GUIDE}/assigning-resources.html",
    remediation="Name the databases' ARNs in resources, or a tag that they carry in selection_tags.",
)
def selections_match_resources(selection: StackResource, context: Context) -> Iterator[Problem]:
    """Backup selections match a resource of the stack."""
    if selection.property_dependencies.get("resources"):
        # Their ARNs come out of resources of the stack.
        return
    resources = selection.texts("resources")
    named = [other for other in context.stack.resources if _is_named(other, resources)]
    wanted = [(tag.get("key"), tag.get("value")) for tag in selection.items("selectionTags")]
    if not named and not any(
        aws.tags_of(other).get(key) == value for other in _tagged(context) for key, value in wanted
    ):
        yield "matches no resource of the stack: nothing is backed up"


def _is_named(other: StackResource, patterns: Sequence[str]) -> bool:
    arn = other.properties.get("arn")
    return isinstance(arn, str) and any(matches(pattern, arn) for pattern in patterns)


def _tagged(context: Context) -> Iterator[StackResource]:
    yield from context.stack.of_type(*sorted(aws.TAGGABLE_TYPES))
