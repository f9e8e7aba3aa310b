"""The same commands against the sandbox: what `make up` deployed is found, and what it cannot have is said."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.end_to_end.driver import ROOT, Sandbox

pytestmark = pytest.mark.engine

ACCOUNT = "444455556666"


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    directory = tmp_path_factory.mktemp("staging")
    sandbox = Sandbox(directory, "staging")
    sandbox.succeed("up")
    yield sandbox
    sandbox.run("down")
    shutil.rmtree(directory)


def run(sandbox: Sandbox, module: str) -> tuple[int, str]:
    """Run a command as `make` does with the environment that `make up` tells; return its status and output."""
    completed = subprocess.run(
        [sys.executable, "-m", module, "--stack", "staging"],
        cwd=ROOT,
        env={
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{sandbox.process('emulator')['port']}",
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in completed.stderr, completed.stderr
    return completed.returncode, completed.stdout


def statuses(output: str) -> dict[str, str]:
    """The status of each check, from the lines of the tables, but for the last one, which depends on the day."""
    of_the_account = output.partition("\nBefore support ends\n")[0]
    lines = re.findall(r"^(ok|missing|later|cannot tell|not checked) {2,}(\S.*?) {2,}", of_the_account, re.MULTILINE)
    return {title: status for status, title in lines}


def test_the_sandbox_is_examined_before_and_after_bootstrap(staging: Sandbox) -> None:
    status, output = run(staging, "doctor")

    wanted = {
        "Credentials": "ok",
        "Region": "ok",
        "State bucket": "missing",
        "State key": "missing",
        "Secrets provider": "missing",
        "Identity provider": "ok",
        "DNS zone": "ok",
        "Image": "ok",
        "Instance type": "ok",
        "Quota of VPCs": "ok",
        "Quota of Elastic IP addresses": "cannot tell",
        "Quota of NAT gateways in a zone": "ok",
        "Quota of vCPUs of servers": "cannot tell",
        "Quota of database instances": "cannot tell",
        "Zone delegation": "cannot tell",
        # What the sandbox has put there is an archive with nothing in it.
        "Release": "missing",
        "Vendors' secrets": "ok",
        "Alarm e-mails": "ok",
    }
    assert (status, statuses(output)) == (1, wanted), output
    assert f"The bucket fixrx-pulumi-state-{ACCOUNT} of Pulumi's state" in output

    assert run(staging, "bootstrap")[0] == 0
    # Made, and still missing: the stack's file does not name them.
    assert run(staging, "bootstrap")[1].count("all is there; nothing was changed") == 2
    again = run(staging, "doctor")[1]
    assert statuses(again) == wanted
    assert "but no workflow may use it" in again
