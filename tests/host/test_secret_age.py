"""How long a server has been without the present secrets: what the look tells CloudWatch, by the real AWS CLI.

Secrets Manager is the stand-in of the other tests: Debian's AWS CLI does not know its call. The emulator is CloudWatch.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drill.jobs import CREDENTIALS, Account, running_account
from tests.host.configuration import ARN
from tests.host.programs import program
from tests.host.test_secret_loader import NO_VALUE, Memory, memory_in

pytestmark = pytest.mark.host

INSTANCE = "i-0123456789abcdef0"
LOOK = ("--changed", "--namespace=fixrx-production")
OLD: Mapping[str, Mapping[str, Any]] = {"JWT": {"SecretString": "old"}}
NEW: Mapping[str, Mapping[str, Any]] = {"JWT": {"SecretString": "new"}}
BROKEN: Mapping[str, Mapping[str, Any]] = {"JWT": NO_VALUE}


@pytest.fixture
def account() -> Iterator[Account]:
    with running_account() as found:
        yield found


@pytest.fixture
def memory(account: Account, tmp_path: Path) -> Memory:
    """A server that has loaded the old value, and whose AWS CLI is the real one for CloudWatch."""
    memory = memory_in(tmp_path, sys.executable)
    settings = " ".join(f"{name}={value}" for name, value in CREDENTIALS.items() if name != "AWS_DEFAULT_REGION")
    memory.cli(
        f"""if [ "$1" = cloudwatch ]; then
            exec env {settings} {program("aws")} --endpoint-url {account.url} "$@"
        fi
        exec {sys.executable} "{tmp_path}/answer.py" "$@\""""
    )
    (tmp_path / "instance-id").write_text(f"{INSTANCE}\n")
    memory.load(OLD)
    return memory


def confirmed(memory: Memory, ago: timedelta) -> None:
    """Let the last look that found nothing new be so long ago."""
    moment = time.time() - ago.total_seconds()
    os.utime(memory.root / "run/fixrx/secrets.confirmed", (moment, moment))


def published(account: Account) -> list[float]:
    """Return what CloudWatch has of the server: the number of values, the least and the most."""
    now = datetime.now(tz=UTC)
    (found,) = account.client("cloudwatch").get_metric_statistics(
        Namespace="fixrx-production",
        MetricName="SecretsBehindSeconds",
        Dimensions=[{"Name": "InstanceId", "Value": INSTANCE}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["SampleCount", "Minimum", "Maximum"],
        Unit="Seconds",
    )["Datapoints"]
    return [found[name] for name in ("SampleCount", "Minimum", "Maximum")]


def test_a_server_that_has_the_present_values_is_not_behind(memory: Memory, account: Account) -> None:
    assert [(memory.load(OLD, *LOOK).returncode, memory.load(OLD, *LOOK).stderr)] == [(1, "")]

    assert published(account) == [2, 0, 0]
    # In the region of the secrets.
    regions = [call[call.index("--region") + 1] for call in memory.calls() if call[0] == "cloudwatch"]
    assert regions == [ARN.split(":")[3]] * 2


def test_the_value_is_written_for_all_servers_and_for_this_one(memory: Memory, account: Account) -> None:
    """The emulator returns the values of every dimension when it is asked for none, so the names are looked at."""
    memory.load(OLD, *LOOK)

    metrics = account.client("cloudwatch").list_metrics(Namespace="fixrx-production")["Metrics"]
    assert sorted((each["MetricName"], each["Dimensions"]) for each in metrics) == [
        ("SecretsBehindSeconds", []),
        ("SecretsBehindSeconds", [{"Name": "InstanceId", "Value": INSTANCE}]),
    ]


@pytest.mark.parametrize(("answers", "status"), [(NEW, 0), (BROKEN, 255)], ids=["not reloaded", "cannot be read"])
def test_a_server_is_behind_since_it_was_last_confirmed(
    memory: Memory, account: Account, answers: Mapping[str, Mapping[str, Any]], status: int
) -> None:
    """A newer value that is not loaded, and one that nobody can read, are the same to who would rotate again."""
    memory.load(OLD, *LOOK)
    confirmed(memory, timedelta(minutes=61))

    assert memory.load(answers, *LOOK).returncode == status

    samples, least, most = published(account)
    assert (samples, least) == (2, 0)
    assert most == pytest.approx(3660, abs=30)


def test_a_reload_ends_it(memory: Memory, account: Account) -> None:
    memory.load(OLD, *LOOK)
    confirmed(memory, timedelta(minutes=61))
    memory.load(NEW, *LOOK)
    memory.load(NEW)
    memory.load(NEW, *LOOK)
    # Anew, from the look that found it loaded.
    memory.load(OLD, *LOOK)

    samples, least, most = published(account)
    assert (samples, least) == (4, 0)
    assert most == pytest.approx(3660, abs=30)
    assert (memory.root / "run/fixrx/secrets.confirmed").stat().st_mtime == pytest.approx(time.time(), abs=30)


def test_a_reload_that_failed_goes_on_counting(memory: Memory, account: Account) -> None:
    """The unit takes the file away then, and the next look finds a change."""
    memory.load(OLD, *LOOK)
    confirmed(memory, timedelta(minutes=61))
    memory.load(NEW)
    memory.environment_file.unlink()

    assert memory.load(NEW, *LOOK).returncode == 0
    assert published(account)[2] == pytest.approx(3660, abs=30)


def test_the_first_look_begins_to_count(memory: Memory, account: Account) -> None:
    shutil.rmtree(memory.environment_file.parent)

    assert [memory.load(NEW, *LOOK).returncode for _ in range(2)] == [0, 0]
    assert published(account) == [2, 0, pytest.approx(0, abs=30)]


def test_a_clock_that_was_set_back_is_no_age(memory: Memory, account: Account) -> None:
    memory.load(OLD, *LOOK)
    confirmed(memory, -timedelta(minutes=5))

    memory.load(NEW, *LOOK)
    assert published(account) == [2, 0, 0]


@pytest.mark.parametrize(("answers", "status"), [(OLD, 1), (NEW, 0), (BROKEN, 255)])
@pytest.mark.parametrize("missing", ["instance-id", "run", "credentials"])
def test_what_cannot_be_told_changes_nothing_of_the_look(
    memory: Memory, answers: Mapping[str, Mapping[str, Any]], status: int, missing: str
) -> None:
    if missing == "credentials":
        memory.cli(
            f"""[ "$1" != cloudwatch ] || {{ echo 'Unable to locate credentials' >&2; exit 253; }}
            exec {sys.executable} "{memory.root}/answer.py" "$@\""""
        )
    elif missing == "run":
        # Nothing can be made in its place.
        (memory.environment_file.parent / "secrets.confirmed").symlink_to("/proc/none/at/all")
    else:
        (memory.root / missing).unlink()

    finished = memory.load(answers, *LOOK)

    assert finished.returncode == status
    assert finished.stderr.splitlines()[-1].startswith("CloudWatch is not told: ")
    assert "Traceback" not in finished.stderr
