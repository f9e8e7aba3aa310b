"""Functions, tables and queues: who may call them, and how their data is kept."""

import json
from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_patterns import is_any_text
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, rule

CALLER_PATHS: Final = ("sourceArn", "sourceAccount", "principalOrgId")
SERVICE: Final = ".amazonaws.com"
OUTDATED_RUNTIMES: Final = frozenset(
    {
        *("dotnet5.0", "dotnet6", "dotnet7", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1"),
        *("dotnet8", "go1.x", "java8", "provided", "provided.al2"),
        *("nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x"),
        *("nodejs14.x", "nodejs16.x", "nodejs18.x", "nodejs20.x"),
        *("python2.7", "python3.6", "python3.7", "python3.8", "python3.9", "python3.10"),
        *("ruby2.5", "ruby2.7", "ruby3.2"),
    }
)
"""Runtimes past the date at which AWS stopped patching them, until November 2026."""
SECRET_WORDS: Final = ("SECRET", "PASSWORD", "TOKEN", "PRIVATE_KEY", "API_KEY")
REFERENCES: Final = ("arn:", "/", "{{resolve:")
"""Beginnings of values that name a secret and are none."""
LAMBDA_GUIDE: Final = "https://docs.aws.amazon.com/lambda/latest/dg"


@rule(
    "lambda-permission-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.FUNCTION_PERMISSION],
    security_hub=["Lambda.1"],
    remediation="Name the account or role in principal; of a service, name its resource in source_arn.",
)
def function_permission_is_restricted(permission: StackResource, _: Context) -> Iterator[Problem]:
    """Functions can be called by named callers only."""
    principal = permission.get("principal") or ""
    if any(map(permission.is_set, CALLER_PATHS)):
        return
    if is_any_text(principal):
        yield "lets every AWS account call the function"
    elif principal.endswith(SERVICE):
        yield f"lets {principal} call the function on behalf of another account"


@rule(
    "lambda-layer-permission-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.LAYER_PERMISSION],
    documentation=f"{LAMBDA_GUIDE}/permissions-layer-cross-account.html",
    remediation="Name the account in principal, or set organization_id.",
)
def layer_permission_is_restricted(permission: StackResource, _: Context) -> Iterator[Problem]:
    """Layers can be used by named accounts only."""
    if is_any_text(permission.get("principal") or "") and not permission.is_set("organizationId"):
        yield "lets every AWS account read the layer"


@rule(
    "lambda-url-requires-authentication",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.FUNCTION_URL],
    documentation=f"{LAMBDA_GUIDE}/urls-auth.html",
    remediation='Set authorization_type="AWS_IAM", or put the function behind the load balancer.',
)
def function_url_requires_authentication(url: StackResource, _: Context) -> Iterator[Problem]:
    """Addresses of functions require a signed request."""
    if url.get("authorizationType") == "NONE":
        yield "answers everybody: requests bypass the load balancer, the web ACL and the rate limit"


@rule(
    "lambda-runtime-is-supported",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.FUNCTION],
    security_hub=["Lambda.2"],
    remediation="Set a runtime that AWS still patches, for instance python3.13 or nodejs24.x.",
)
def runtime_is_supported(function: StackResource, _: Context) -> Iterator[Problem]:
    """Functions run in a runtime that gets security fixes."""
    runtime = function.get("runtime")
    if runtime in OUTDATED_RUNTIMES:
        yield f"runs in {runtime}, which gets no security fixes"


@rule(
    "lambda-environment-has-no-secrets",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.FUNCTION],
    documentation=f"{LAMBDA_GUIDE}/configuration-envvars-encryption.html",
    remediation="Pass the secret's ARN and read it from Secrets Manager.",
)
def function_environment_has_no_secrets(function: StackResource, _: Context) -> Iterator[Problem]:
    """Environment variables of functions contain no secrets."""
    for name in sorted(function.get("environment.variables") or {}):
        if any(word in name.upper() for word in SECRET_WORDS) and _is_a_value(function, name):
            yield f"has a secret in its variable {name}: everybody with read access to the function can read it"


def _is_a_value(function: StackResource, name: str) -> bool:
    path = f"environment.variables.{name}"
    if function.is_secret(path):
        return True
    value = function.get(path)
    return bool(isinstance(value, str) and value and not value.startswith(REFERENCES))


@rule(
    "dynamodb-point-in-time-recovery-enabled",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.TABLE],
    security_hub=["DynamoDB.2"],
    remediation="Set point_in_time_recovery with enabled=True.",
)
def point_in_time_recovery_enabled(table: StackResource, _: Context) -> Iterator[Problem]:
    """Tables can be restored to any second of the last 35 days."""
    if table.get("pointInTimeRecovery.enabled") is not True:
        yield "has no point-in-time recovery: what a faulty program overwrites is lost"


@rule(
    "dynamodb-deletion-protection-enabled",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.TABLE],
    applies_to=aws.in_production,
    security_hub=["DynamoDB.6"],
    remediation="Set deletion_protection_enabled=True.",
)
def table_deletion_protection_enabled(table: StackResource, _: Context) -> Iterator[Problem]:
    """Production tables have deletion protection."""
    if table.get("deletionProtectionEnabled") is not True:
        yield "has no deletion protection: one API call deletes it"


@rule(
    "dynamodb-customer-managed-key-used",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.TABLE],
    documentation="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html",
    remediation="Set server_side_encryption with enabled=True and kms_key_arn.",
)
def table_customer_managed_key_used(table: StackResource, _: Context) -> Iterator[Problem]:
    """Tables are encrypted with a customer-managed key."""
    enabled = table.get("serverSideEncryption.enabled") is True
    if not enabled or not aws.uses_own_key(table, "serverSideEncryption.kmsKeyArn"):
        yield "is not encrypted with a customer-managed key: access to the key cannot be restricted or revoked"


@rule(
    "sqs-queues-encrypted",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.QUEUE],
    security_hub=["SQS.1"],
    remediation="Set kms_master_key_id, or remove sqs_managed_sse_enabled=False.",
)
def queues_encrypted(queue: StackResource, _: Context) -> Iterator[Problem]:
    """Queues are encrypted."""
    if queue.get("sqsManagedSseEnabled") is False and not queue.is_set("kmsMasterKeyId"):
        yield "is not encrypted: its messages can contain customers' data"


@rule(
    "sqs-queues-keep-failed-messages",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.LOW,
    resource_types=[aws.QUEUE],
    applies_to=lambda queue: queue.is_set("redrivePolicy"),
    documentation="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    remediation="Name the dead-letter queue's ARN and maxReceiveCount in redrive_policy.",
)
def queues_keep_failed_messages(queue: StackResource, _: Context) -> Iterator[Problem]:
    """Redrive policies name the queue that keeps the messages that failed."""
    policy = queue.get("redrivePolicy")
    decoded = json.loads(policy) if isinstance(policy, str) else policy
    if not decoded.get("deadLetterTargetArn") or not decoded.get("maxReceiveCount"):
        yield "has a redrive policy that names no dead-letter queue: messages that fail are lost"


@rule(
    "lambda-failed-messages-return",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.FUNCTION_EVENT_SOURCE],
    applies_to=lambda source: ":sqs:" in str(source.get("eventSourceArn")),
    documentation="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html",
    remediation='Set function_response_types=["ReportBatchItemFailures"], and leave enabled.',
)
def failed_messages_return(source: StackResource, _: Context) -> Iterator[Problem]:
    """Messages that a function could not handle go back into the queue."""
    if source.get("enabled") is False:
        yield "does not hand over messages: they wait in the queue until they are deleted"
    if "ReportBatchItemFailures" not in (source.get("functionResponseTypes") or ()):
        yield "deletes messages that the function reports as failed: they are lost"
