"""Encryption keys, one for each domain, so that the right to read logs is not the right to read the database.

A key costs 1 USD a month. Keys rotate every year, and deletion waits 30 days, the longest that KMS offers: whoever
deletes a key deletes all data under it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import iam
from components.naming import Label
from components.section import Section

DELETION_WINDOW_DAYS = 30
USE_KEY = ("kms:Decrypt", "kms:GenerateDataKey*")


class EncryptionSettings(Section):
    """Section `fixrx:encryption`."""

    protect: bool = True
    """Refuse to delete or replace a key: what it encrypted, backups included, is lost with it."""


@dataclass(frozen=True, kw_only=True)
class EncryptionArgs:
    settings: EncryptionSettings
    label: Label


class Encryption(pulumi.ComponentResource):
    """The customer-managed keys of the platform and what AWS services may do with them."""

    data_key_arn: pulumi.Output[str]
    """Databases, caches and backups."""
    secrets_key_arn: pulumi.Output[str]
    logs_key_arn: pulumi.Output[str]
    notifications_key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Encryption", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self.data_key_arn = self._create_key("data", "databases, caches and backups", []).arn
        self.secrets_key_arn = self._create_key("secrets", "secrets of the application", []).arn
        self.logs_key_arn = self._create_key(
            "logs", "log groups", [logs_statement(args.label.account_id, args.label.region)]
        ).arn
        self.notifications_key_arn = self._create_key(
            "notifications", "alarm topics", [_publishers_statement(args.label.account_id)]
        ).arn

        self.register_outputs(
            {
                "data_key_arn": self.data_key_arn,
                "secrets_key_arn": self.secrets_key_arn,
                "logs_key_arn": self.logs_key_arn,
                "notifications_key_arn": self.notifications_key_arn,
            }
        )

    def _create_key(self, domain: str, purpose: str, grants: Sequence[iam.Statement]) -> aws.kms.Key:
        label = self._args.label
        key = create_key(
            f"{self._name}-{domain}",
            f"{label.prefix}: {purpose}",
            label.account_id,
            grants,
            pulumi.ResourceOptions(parent=self, protect=self._args.settings.protect),
        )
        aws.kms.Alias(
            f"{self._name}-{domain}-alias",
            name=label.physical_name("aws:kms/alias:Alias", f"alias/{label.project}/{label.environment}/{domain}"),
            target_key_id=key.key_id,
            opts=self._child,
        )
        return key


def create_key(
    name: str,
    description: str,
    account_id: str,
    grants: Sequence[iam.Statement],
    options: pulumi.ResourceOptions,
    region: str | None = None,
) -> aws.kms.Key:
    """Declare a rotating key that the account administers and that the granted services may use."""
    return aws.kms.Key(
        f"{name}-key",
        description=description,
        enable_key_rotation=True,
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


def _publishers_statement(account_id: str) -> iam.Statement:
    """Without this, an alarm's message to an encrypted topic is dropped and nobody is told."""
    return iam.statement(
        "AlarmPublishers",
        principals={"Service": ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]},
        actions=USE_KEY,
        resources=["*"],
        conditions={"StringEquals": {"aws:SourceAccount": account_id}},
    )


def _administrators_statement(account_id: str) -> iam.Statement:
    """Hand the key to the account's own IAM policies; a key that not even root may manage is lost for ever."""
    return iam.statement(
        "AccountAdministers",
        principals={"AWS": f"arn:aws:iam::{account_id}:root"},
        actions=["kms:*"],
        resources=["*"],
    )
