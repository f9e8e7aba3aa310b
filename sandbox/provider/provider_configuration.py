"""The program's explicit provider: its region, its default tags, and the accounts that it may touch."""

import json
from collections.abc import Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2

from sandbox.provider import schema
from sandbox.provider.emulator import Emulator
from sandbox.provider.resource_provider import ProviderConfiguration, ProviderError
from sandbox.provider.schema import CheckFailure
from sandbox.provider.values import UNKNOWN, Properties

_ENGINE_KEYS = frozenset({"version", "pluginDownloadURL", "__internal"})


def check(urn: str, settings: Properties, emulator: Emulator) -> list[CheckFailure]:
    """What is wrong with a provider's settings: names that it does not have, a region that does not exist."""
    package = urn.split("::")[2].removeprefix("pulumi:providers:")
    if package != "aws":
        return []
    declared = schema.provider_settings(package)
    given = {key: _decoded(value) for key, value in settings.items() if key not in _ENGINE_KEYS}
    failures = list(schema.check_properties(declared, given, ""))
    region = given.get("region")
    if region not in (None, UNKNOWN) and region not in emulator.regions("ec2"):
        failures.append(CheckFailure("region", f"there is no AWS region {region}"))
    return failures


def parse(settings: Properties, emulator: Emulator) -> ProviderConfiguration:
    """The configuration that settings describe; raises ProviderError if they forbid the emulator's account."""
    given = {key: _decoded(value) for key, value in settings.items()}
    allowed, forbidden = given.get("allowedAccountIds") or [], given.get("forbiddenAccountIds") or []
    account = emulator.account_id
    if (allowed and account not in [str(one) for one in allowed]) or account in [str(one) for one in forbidden]:
        raise ProviderError(
            f"AWS account {account} is not allowed by the provider: "
            f"allowed are {', '.join(str(one) for one in allowed) or 'all others'}"
        )
    tags = (given.get("defaultTags") or {}).get("tags") or {}
    return ProviderConfiguration(
        given.get("region") or emulator.region, {key: str(value) for key, value in tags.items()}
    )


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
    """Another region means other resources, so the provider and all that it made are replaced; the rest is not."""
    changed = [key for key in sorted({**old, **new}) if key not in _ENGINE_KEYS and old.get(key) != new.get(key)]
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if changed else response.DIFF_NONE,
        diffs=changed,
        replaces=[key for key in changed if key == "region"],
    )


def _decoded(value: Any) -> Any:
    """Settings that are not strings travel as JSON text."""
    if isinstance(value, str) and value[:1] in ("[", "{", "t", "f"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
