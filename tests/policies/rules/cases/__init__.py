"""For every rule: what breaks it in the good platform, and an unknown value that leaves it undetermined.

One module for each module of rules, in the same order; a module of rules without cases is an error at import.
"""

from importlib import import_module

from policies.rules import MODULES
from tests.policies.changes import Case

CASES: tuple[Case, ...] = tuple(
    case for module in MODULES for case in import_module(f"{__name__}.{module.__name__.rpartition('.')[2]}").CASES
)
