"""Checks configuration files of the pack before they are used: `python -m policies.check_configuration FILE...`."""

import sys
from collections.abc import Iterable
from pathlib import Path

from policies.engine.configuration import ConfigurationError, configure, read_entries
from policies.engine.evaluation import RuleIndex
from policies.rules import ALL_RULES


def main(paths: Iterable[str]) -> int:
    """Print what is wrong with configuration files. Returns the exit code."""
    index = RuleIndex(ALL_RULES)
    mistakes = 0
    for path in paths:
        try:
            configure(index, read_entries(Path(path)))
        except ConfigurationError as error:
            print(f"{path}: {error}", file=sys.stderr)
            mistakes += 1
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
