"""One kill of each process at a random moment; `python -m tests.end_to_end.kills` kills as often as asked.

With the foundation layer only and without policies, so that it takes seconds: networks, keys, roles and buckets.
"""

import random
from collections.abc import Iterator

import pytest

from tests.end_to_end.driver import ROOT
from tests.end_to_end.kills import TARGETS, Trial, disturb, new_trial, start_again, undisturbed

pytestmark = pytest.mark.engine

PROGRAM = f"""
import sys

sys.path.insert(0, {str(ROOT)!r})

from layers import build_foundation
from settings.engine import load_settings

build_foundation(load_settings())
"""


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    directory = tmp_path_factory.mktemp("kills")
    program = directory / "program.py"
    program.write_text(PROGRAM)
    trial = new_trial(directory / "sandbox", "staging", "--no-policies", "--program", str(program))
    yield trial
    trial.sandbox.run("down")


@pytest.fixture(scope="module")
def expected(trial: Trial) -> tuple[dict[str, int], float]:
    """What the emulator holds after an undisturbed `up`, and its seconds."""
    return undisturbed(trial)


@pytest.mark.parametrize("target", TARGETS)
def test_next_up_converges(target: str, trial: Trial, expected: tuple[dict[str, int], float]) -> None:
    amounts, seconds = expected
    start_again(trial)
    moment = random.uniform(0.5, 1) * seconds
    print(f"the {target} is killed after {moment:.2f} s")
    disturb(trial, amounts, target, moment)


def test_no_process_is_left(trial: Trial, expected: tuple[dict[str, int], float]) -> None:
    start_again(trial)
