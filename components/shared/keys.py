"""KMS keys: how every key of the platform is declared, and the values by which components receive them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared import iam
from components.shared.identity import StackIdentity

DELETION_WINDOW_DAYS = 30
"""The longest that KMS offers: with a key, all data encrypted under it is lost."""


@dataclass(frozen=True, kw_only=True)
class KeyArns:
    """ARNs of the customer-managed keys, one for each domain."""

    data: pulumi.Input[str]
    """Databases, caches and backups."""
    secrets: pulumi.Input[str]
    logs: pulumi.Input[str]
    notifications: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class StackContext:
    """What nearly every component receives: the stack's identity and its keys."""

    identity: StackIdentity
    keys: KeyArns


def create_key(
    name: str,
    description: str,
    account_id: str,
    grants: Sequence[iam.Statement],
    options: pulumi.ResourceOptions,
    region: str | None = None,
) -> aws.kms.Key:
    """Declare a key that rotates every year, that the account administers and that the granted services may use."""
    return aws.kms.Key(
        f"{name}-key",
        description=description,
        enable_key_rotation=True,
        deletion_window_in_days=DELETION_WINDOW_DAYS,
        policy=iam.document(_administrators_statement(account_id), *grants),
        region=region,
        opts=options,
    )


def create_signing_key(
    name: str,
    description: str,
    account_id: str,
    grants: Sequence[iam.Statement],
    options: pulumi.ResourceOptions,
    region: str,
) -> aws.kms.Key:
    """Declare a key pair that signs, as DNSSEC needs it (ECDSA on P-256). KMS does not rotate key pairs."""
    return aws.kms.Key(
        f"{name}-key",
        description=description,
        customer_master_key_spec="ECC_NIST_P256",
        key_usage="SIGN_VERIFY",
        deletion_window_in_days=DELETION_WINDOW_DAYS,
        policy=iam.document(_administrators_statement(account_id), *grants),
        region=region,
        opts=options,
    )


def logs_statement(account_id: str, region: str) -> iam.Statement:
    """Let CloudWatch Logs use the key, for log groups of this account and region only."""
    return iam.statement(
        "CloudWatchLogs",
        principals={"Service": f"logs.{region}.amazonaws.com"},
        actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        resources=["*"],
        conditions={
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account_id}:log-group:*"}
        },
    )


def _administrators_statement(account_id: str) -> iam.Statement:
    """Delegate the key to the account's IAM policies: a key that root cannot manage cannot be recovered."""
    return iam.statement(
        "AccountAdministers",
        principals={"AWS": f"arn:aws:iam::{account_id}:root"},
        actions=["kms:*"],
        resources=["*"],
    )
