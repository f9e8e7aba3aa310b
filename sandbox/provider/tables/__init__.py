"""The AWS resource types of the sandbox: one table per service, in the vocabulary of `model`."""

import functools
import importlib
import pkgutil
from collections.abc import Mapping

from sandbox.provider.model import ResourceType

__all__ = ["ResourceType", "all_types", "find"]


def find(token: str) -> ResourceType | None:
    """The resource type with this token, such as `aws:ec2/vpc:Vpc`; None if the sandbox does not have it."""
    return all_types().get(token)


@functools.cache
def all_types() -> Mapping[str, ResourceType]:
    """Every type of every table, by token. A module of this package that has `TYPES` is a table."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {kind.token: kind for module in modules for kind in getattr(module, "TYPES", ())}
