"""Measures what the components and the policies cost: `make bench`.

The preview of production with the policy pack is held against its preview without the pack, with a pack that has no
rule, and against the preview of the same resources declared one by one, without components and without policies. All
start from an empty stack and alternate in one run. They are compared round by round, and the median of the rounds'
ratios counts: other load of the machine affects all previews of a round.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox import Progress, UserError, console, errors_in_one_sentence
from tools.bench.flat_program import generate

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / ".bench"
LARGEST_RATIO = 1.25
output = Console(highlight=False, emoji=False, soft_wrap=True)
PACK_WITHOUT_RULES = f"""
import sys
from datetime import date

sys.path.insert(0, {str(ROOT)!r})

from policies.engine.evaluation import RuleIndex
from policies.engine.server import Analyzer, serve
from policies.engine.waivers import Waivers

serve(Analyzer(RuleIndex(()), Waivers((), date.today()), "0.0.0"))
"""
"""What any pack in Python costs: the start of its process, and the engine's calls."""


def main() -> int:
    """Runs the benchmark; the exit status says whether the ratio is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.commands", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="how many times each preview is measured")
    pairs = parser.parse_args().pairs
    with errors_in_one_sentence():
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        try:
            times = measure(pairs)
        finally:
            _sandbox("down")
    ratio = _ratio(times, "preview", "flat preview")
    _show(times)
    output.print(
        f"\nThe preview with components and policies takes {ratio:.2f} times the flat one (limit {LARGEST_RATIO}), "
        f"and {_ratio(times, 'preview', 'preview without policies'):.2f} times the one without policies; with a pack "
        f"that has no rule it is {_ratio(times, 'preview with no rule', 'preview without policies'):.2f} times."
    )
    return 0 if ratio <= LARGEST_RATIO else 1


def measure(pairs: int) -> dict[str, list[float]]:
    """Seconds that each command took, by command."""
    times: dict[str, list[float]] = {}

    def timed(name: str, command: str, *arguments: str) -> None:
        with Progress(console, f"Measuring: {name}"):
            started = time.monotonic()
            _sandbox(command, *arguments)
            times.setdefault(name, []).append(time.monotonic() - started)

    timed("first up, processes started", "up")
    timed("second up, nothing changed", "up")
    timed("preview, nothing changed", "preview")
    (DIRECTORY / "state.json").write_text(_sandbox("export"))
    flat = DIRECTORY / "flat.py"
    flat.write_text(generate(json.loads(_sandbox("export", "--show-secrets"))))
    empty = _pack_without_rules()
    _sandbox("down")
    # The first preview of each starts the processes and fills the caches; it does not count.
    _sandbox("preview")
    _sandbox("preview", "--program", str(flat), "--no-policies")
    for _ in range(pairs):
        timed("preview", "preview")
        timed("preview without policies", "preview", "--no-policies")
        timed("preview with no rule", "preview", "--policies", str(empty))
        timed("flat preview", "preview", "--program", str(flat), "--no-policies")
    return times


def _ratio(times: dict[str, list[float]], one: str, other: str) -> float:
    return statistics.median(mine / its for mine, its in zip(times[one], times[other], strict=True))


def _pack_without_rules() -> Path:
    pack = DIRECTORY / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.0\n")
    (pack / "__main__.py").write_text(PACK_WITHOUT_RULES)
    return pack


def _sandbox(command: str, *arguments: str) -> str:
    """Runs a command of the sandbox, and returns what it printed."""
    completed = subprocess.run(
        [sys.executable, "-m", "sandbox", command, "--directory", str(DIRECTORY), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        raise UserError(f"The benchmark stopped, because `sandbox {command}` failed:\n{completed.stderr}")
    return completed.stdout


def _show(times: dict[str, list[float]]) -> None:
    table = Table("command", "median", "fastest", "slowest", "runs", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, seconds in times.items():
        figures = (statistics.median(seconds), min(seconds), max(seconds))
        table.add_row(name, *(f"{figure:.1f} s" for figure in figures), str(len(seconds)))
    output.print(table)


if __name__ == "__main__":
    sys.exit(main())
