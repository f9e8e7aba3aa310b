"""Checks a stack's file in a second, without engine and AWS: `python -m settings --stack staging`, or a path."""

import argparse
import sys
from pathlib import Path

from settings.problems import report
from settings.stack_file import check_file

ROOT = Path(__file__).parents[1]


def main(arguments: list[str]) -> int:
    """Print every problem once. Returns 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m settings", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="a stack's file; without it the one of --stack")
    parser.add_argument("--stack", help="name of the stack; the file is Pulumi.<stack>.yaml beside Pulumi.yaml")
    chosen = parser.parse_args(arguments)
    if chosen.file is None and chosen.stack is None:
        parser.error("name a stack, such as --stack production, or a file")
    path = chosen.file or ROOT / f"Pulumi.{chosen.stack}.yaml"
    problems = check_file(path, chosen.stack)
    if problems:
        print(report(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
