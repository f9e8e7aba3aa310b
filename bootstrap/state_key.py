"""The KMS key of the secrets in Pulumi's state: one for all stacks of an account, separated by encryption context.

Every use must name a stack in the encryption context (`stack=production`). The key's policy demands the context; which
stack a role may name is in the role's own policy. A key costs 1 USD a month.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from bootstrap.access import Access, CommandError, error_code
from bootstrap.documents import Statement, has_statements, with_statements
from bootstrap.feature import Feature

ALIAS = "alias/fixrx/pulumi-state"
CONTEXT_KEY = "kms:EncryptionContext:stack"
_MISSING_CODE = "NotFoundException"


class StateKey:
    """The key of an account's state, which may not exist yet: the one with the given ARN, or the one of the alias."""

    def __init__(self, access: Access, arn: str | None, tags: Mapping[str, str]) -> None:
        self._access = access
        self._arn = arn
        self._tags = tags
        self._kms = access.client("kms")
        self._metadata: Mapping[str, Any] = {}

    def exists(self) -> bool:
        """Whether the key exists. Raises CommandError if it cannot be used."""
        try:
            self._metadata = self._kms.describe_key(KeyId=self._arn or ALIAS)["KeyMetadata"]
        except ClientError as error:
            if error_code(error) != _MISSING_CODE:
                raise
            if self._arn is not None:
                raise CommandError(
                    f"The key of continuous_integration.state_key_arn does not exist in account "
                    f"{self._access.account_id}; correct the setting, or remove it to use {ALIAS}."
                ) from None
            return False
        if self._metadata["AWSAccountId"] != self._access.account_id:
            raise CommandError(
                f"The key of continuous_integration.state_key_arn is not of account {self._access.account_id}: nothing "
                "was changed. Correct the setting."
            )
        if self._metadata["KeyState"] == "PendingDeletion":
            raise CommandError(
                "The state's key is about to be deleted, and the secrets of the state with it. Stop that with: aws kms "
                f"cancel-key-deletion --region {self._access.region} --key-id {self.key_id}"
            )
        return True

    def create(self) -> None:
        """Create the key under the alias."""
        self._metadata = self._kms.create_key(
            Description="fixrx: secrets in Pulumi's state",
            Tags=[{"TagKey": key, "TagValue": value} for key, value in self._tags.items()],
        )["KeyMetadata"]
        self._kms.create_alias(AliasName=ALIAS, TargetKeyId=self.key_id)

    @property
    def key_id(self) -> str:
        return str(self._metadata["KeyId"])

    @property
    def arn(self) -> str:
        return str(self._metadata["Arn"])

    def features(self) -> Sequence[Feature]:
        """What the key must have, in the order in which it is mended."""
        kms, key_id = self._kms, self.key_id
        return [
            Feature(
                description="is enabled",
                is_there=lambda: kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "Enabled",
                mend=lambda: kms.enable_key(KeyId=key_id),
            ),
            Feature(
                description="rotates every year",
                is_there=lambda: kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"],
                mend=lambda: kms.enable_key_rotation(KeyId=key_id),
            ),
            Feature(
                description="is used with a stack's encryption context only, and not deleted",
                is_there=lambda: has_statements(self._policy(), self._statements()),
                mend=lambda: kms.put_key_policy(
                    KeyId=key_id, PolicyName="default", Policy=with_statements(self._policy(), self._statements())
                ),
            ),
            Feature(
                description="has the project's tags",
                is_there=lambda: self._tags.items() <= self._present_tags().items(),
                mend=lambda: kms.tag_resource(
                    KeyId=key_id, Tags=[{"TagKey": key, "TagValue": value} for key, value in self._tags.items()]
                ),
            ),
        ]

    def _policy(self) -> str:
        return str(self._kms.get_key_policy(KeyId=self.key_id, PolicyName="default")["Policy"])

    def _statements(self) -> Sequence[Statement]:
        everybody = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "*"}
        return [
            # Delegates the key to the account's IAM policies: a key that root cannot manage cannot be recovered.
            {
                "Sid": "AccountAdministers",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{self._access.account_id}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "StackContextOnly",
                **everybody,
                "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                "Condition": {"Null": {CONTEXT_KEY: "true"}},
            },
            # An administrator who means it removes this statement first.
            {
                "Sid": "NoDeletion",
                **everybody,
                "Action": ["kms:DeleteAlias", "kms:DisableKey", "kms:ScheduleKeyDeletion"],
            },
        ]

    def _present_tags(self) -> Mapping[str, str]:
        pages = self._kms.get_paginator("list_resource_tags").paginate(KeyId=self.key_id)
        return {tag["TagKey"]: tag["TagValue"] for page in pages for tag in page["Tags"]}
