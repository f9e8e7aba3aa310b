"""DynamoDB as far as the notifier uses it, in memory: the emulator is too slow for thousands of messages.

tests/functions/test_notifier.py runs the same incidents with both.
"""

import re
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]


class ConditionalCheckFailedException(ClientError):  # type: ignore[misc]
    """As boto3's own, with the item that is there."""

    def __init__(self, item: Item) -> None:
        super().__init__({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        self.response["Item"] = item


class Exceptions:
    ConditionalCheckFailedException = ConditionalCheckFailedException


class MemoryTable:
    """Named as boto3's client, whose place it takes."""

    exceptions = Exceptions

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Item]] = {}

    def put_item(
        self,
        *,
        Item: Item,
        ConditionExpression: str,
        ExpressionAttributeValues: Item | None = None,
        **_: Any,
    ) -> None:
        present = self._find(Item)
        taken_over = False
        if ConditionExpression == "attribute_not_exists(subject) OR lease < :now":
            assert ExpressionAttributeValues is not None
            lease = present.get("lease") if present else None
            taken_over = lease is not None and int(lease["N"]) < int(ExpressionAttributeValues[":now"]["N"])
        else:
            assert ConditionExpression == "attribute_not_exists(subject)"
        if present is not None and not taken_over:
            raise ConditionalCheckFailedException(dict(present))
        self._items.setdefault(Item["subject"]["S"], {})[Item["detail"]["S"]] = dict(Item)

    def update_item(
        self,
        *,
        Key: Item,
        UpdateExpression: str,
        ExpressionAttributeValues: Item,
        ConditionExpression: str = "",
        **_: Any,
    ) -> Item:
        item = self._items.setdefault(Key["subject"]["S"], {}).setdefault(Key["detail"]["S"], dict(Key))
        if ConditionExpression:
            found = re.fullmatch(r"attribute_not_exists\((\w+)\)", ConditionExpression)
            assert found
            if found[1] in item:
                raise ConditionalCheckFailedException(dict(item))
        found = re.fullmatch(r"SET (.*?)( REMOVE (\w+))?", UpdateExpression)
        assert found
        for assignment in found[1].split(", "):
            name, value = assignment.split(" = ")
            item[name] = ExpressionAttributeValues[value]
        item.pop(found[3] or "", None)
        return {"Attributes": dict(item)}

    def get_item(self, *, Key: Item, **_: Any) -> Item:
        found = self._find(Key)
        return {} if found is None else {"Item": dict(found)}

    def delete_item(self, *, Key: Item, **_: Any) -> None:
        self._items.get(Key["subject"]["S"], {}).pop(Key["detail"]["S"], None)

    def query(
        self,
        *,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Item,
        ScanIndexForward: bool,
        Limit: int,
        **_: Any,
    ) -> Item:
        found = re.fullmatch(r"subject = :subject AND detail (<=|>) :detail", KeyConditionExpression)
        assert found
        bound = ExpressionAttributeValues[":detail"]["S"]
        items = sorted(self._items.get(ExpressionAttributeValues[":subject"]["S"], {}).items())
        kept = [item for detail, item in items if (detail <= bound if found[1] == "<=" else detail > bound)]
        return {"Items": (kept if ScanIndexForward else kept[::-1])[:Limit]}

    def _find(self, key: Item) -> Item | None:
        return self._items.get(key["subject"]["S"], {}).get(key["detail"]["S"])
