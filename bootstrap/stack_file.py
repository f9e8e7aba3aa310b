"""A stack's file, read without Pulumi: the settings, and how the stack's secrets are encrypted."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from bootstrap.access import CommandError
from settings import PROJECT, InvalidSettings, StackSettings, parse_settings

ROOT = Path(__file__).resolve().parent.parent
_STACK_NAME = r"[A-Za-z0-9_.-]{1,100}"


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """`Pulumi.<stack>.yaml`."""

    stack: str
    settings: StackSettings
    secrets_provider: str | None
    encrypted_key: str | None

    @property
    def file_name(self) -> str:
        return f"Pulumi.{self.stack}.yaml"

    @property
    def encryption_context(self) -> str | None:
        """The encryption context `stack` of the secrets provider, if it has one."""
        query = parse_qs(urlsplit(self.secrets_provider or "").query)
        return query.get("context_stack", [None])[0]


def read_stack_file(stack: str, folder: Path = ROOT) -> StackFile:
    """Read and check the file of a stack. Raises CommandError, and InvalidSettings with everything that is wrong."""
    path = folder / f"Pulumi.{stack}.yaml"
    if not re.fullmatch(_STACK_NAME, stack) or not path.is_file():
        stacks = sorted(file.name.split(".")[1] for file in folder.glob("Pulumi.*.yaml"))
        raise CommandError(f"There is no stack of that name; the stacks are {', '.join(stacks)}.")
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError):
        raise CommandError(f"{path.name} is not valid YAML; correct it.") from None
    if not isinstance(content, dict) or not isinstance(content.get("config"), dict):
        raise CommandError(f"{path.name} has no section config; restore it.")
    return StackFile(
        stack=stack,
        settings=parse_settings(_own_settings(content["config"]), stack),
        secrets_provider=content.get("secretsprovider"),
        encrypted_key=content.get("encryptedkey"),
    )


def _own_settings(config: Mapping[str, Any]) -> Mapping[str, str]:
    """The project's settings as Pulumi hands them to the program: text, or JSON for a structure."""
    prefix = f"{PROJECT}:"
    return {
        str(key).removeprefix(prefix): value if isinstance(value, str) else json.dumps(value)
        for key, value in config.items()
        if str(key).startswith(prefix)
    }


__all__ = ["InvalidSettings", "StackFile", "read_stack_file"]
