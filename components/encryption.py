"""Encryption keys, one for each domain, so that the right to read logs is not the right to read the database.

A key costs 1 USD a month. Keys rotate every year, and deletion waits 30 days.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.encryption import EncryptionSettings
from components.shared import iam
from components.shared.identity import StackIdentity
from components.shared.keys import KeyArns, create_key, logs_statement
from components.shared.topics import ALARM_PUBLISHERS, COST_PUBLISHERS

USE_KEY = ("kms:Decrypt", "kms:GenerateDataKey*")


@dataclass(frozen=True, kw_only=True)
class EncryptionArgs:
    settings: EncryptionSettings
    identity: StackIdentity


class Encryption(pulumi.ComponentResource):
    """The customer-managed keys of the platform and what AWS services may do with them."""

    key_arns: KeyArns

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Encryption", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        account_id, region = args.identity.account_id, args.identity.region
        self.key_arns = KeyArns(
            data=self._create_key("data", "databases, caches and backups", []).arn,
            secrets=self._create_key("secrets", "secrets of the application", []).arn,
            logs=self._create_key("logs", "log groups", [logs_statement(account_id, region)]).arn,
            notifications=self._create_key(
                "notifications",
                "alarm topics and incidents",
                [_publishers_statement(account_id), _topics_statement(args.identity)],
            ).arn,
        )

        self.register_outputs({f"{domain}_key_arn": arn for domain, arn in vars(self.key_arns).items()})

    def _create_key(self, domain: str, purpose: str, grants: Sequence[iam.Statement]) -> aws.kms.Key:
        identity = self._args.identity
        key = create_key(
            f"{self._name}-{domain}",
            f"{identity.prefix}: {purpose}",
            identity.account_id,
            grants,
            pulumi.ResourceOptions(parent=self, protect=self._args.settings.protect),
        )
        aws.kms.Alias(
            f"{self._name}-{domain}-alias",
            name=identity.physical_name(
                "aws:kms/alias:Alias", f"alias/{identity.project}/{identity.environment}/{domain}"
            ),
            target_key_id=key.key_id,
            opts=self._child,
        )
        return key


def _publishers_statement(account_id: str) -> iam.Statement:
    """Without this, CloudWatch drops an alarm's message to an encrypted topic, and so do the others."""
    return iam.statement(
        "AlarmPublishers",
        principals={"Service": [*ALARM_PUBLISHERS, *COST_PUBLISHERS]},
        actions=USE_KEY,
        resources=["*"],
        conditions={"StringEquals": {"aws:SourceAccount": account_id}},
    )


def _topics_statement(identity: StackIdentity) -> iam.Statement:
    """Without this, SNS drops the messages of the topics to the encrypted queue of incidents."""
    return iam.statement(
        "TopicsToQueue",
        principals={"Service": "sns.amazonaws.com"},
        actions=USE_KEY,
        resources=["*"],
        conditions={
            "StringEquals": {"aws:SourceAccount": identity.account_id},
            "ArnLike": {"aws:SourceArn": f"arn:aws:sns:{identity.arn_scope}:notifications-*"},
        },
    )
