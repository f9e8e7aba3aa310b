"""What every check needs: the stack's file, the account, and the public DNS."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bootstrap.access import Access
from bootstrap.stack_file import StackFile
from settings import PROJECT, StackSettings

NameServerLookup = Callable[[str], frozenset[str] | None]
"""A domain to the name servers that the public DNS knows for it; empty if none, None if it cannot be asked."""


@dataclass(frozen=True, kw_only=True)
class Context:
    file: StackFile
    access: Access
    name_servers_of: NameServerLookup

    @property
    def settings(self) -> StackSettings:
        return self.file.settings

    @property
    def region(self) -> str:
        return self.access.region

    def client(self, service: str) -> Any:
        return self.access.client(service)

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """All members of a list that AWS returns in pages."""
        paginator = self.client(service).get_paginator(operation)
        return [member for page in paginator.paginate(**parameters) for member in page[key]]

    def owns(self, tags: Sequence[Mapping[str, str]]) -> bool:
        """Whether the tags are those of a resource of this stack."""
        found = {tag["Key"]: tag["Value"] for tag in tags}
        return (found.get("Project"), found.get("Environment")) == (PROJECT, self.settings.environment)
