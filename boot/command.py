"""`make boot`: boots a server of a stack, checks it, and says where the time went."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from boot import accelerator, checks, image, release, timeline
from boot.accelerator import Accelerator
from boot.emulator import Emulator
from boot.failures import Supplied, failures, require_reason
from boot.image import Image
from boot.server import Server, booting
from boot.stack import Stack
from sandbox import Progress, console, errors_in_one_sentence

PATIENCE_SECONDS = 60
"""How long a server waits for what is missing. With the default, a boot that must fail would take ten minutes."""


class Boots:
    """The boots of one stack's servers."""

    def __init__(
        self, stack: Stack, machine: Image, how: Accelerator, supplied: Supplied, *, show_console: bool
    ) -> None:
        self._stack = stack
        self._machine = machine
        self._how = how
        self._supplied = supplied
        self._show_console = show_console
        self.secrets = supplied.emulator.supply_secrets(supplied.secret_arns)
        self.wrong = 0

    def good(self, folder: Path, *, keep: bool) -> None:
        """Boots a server that has everything, and checks it."""
        self._supplied.upload()
        with self._booting(folder) as server:
            with Progress(console, "Booting a server") as progress:
                seconds = server.await_first_answer(self._follower(server, progress))
            shares = timeline.shares(server.events(seconds))
            console.print("\n".join(timeline.lines(shares)), highlight=False)
            if keep:
                self._keep(server)
                return
            for title, check in checks.CHECKS.items():
                self._check(title, partial(check, server))
            checks.mark_disk(server)
            server.guest.stop()
            self._check("no secret's value on the disk or the console", partial(checks.disk_has_no_secret, server))

    def failing(self, folder: Path) -> None:
        """Boots servers that lack something, one after the other, and checks the reason that each gives."""
        for failure in failures(self.secrets[self._supplied.variable]):
            failure.prepare(self._supplied)
            try:
                with self._booting(folder) as server:
                    with Progress(console, f"Booting a server: {failure.title}") as progress:
                        line = server.await_failure(self._follower(server, progress))
                    check = partial(require_reason, server, line, failure.reasons(self._supplied))
                    self._check(f"{failure.title}: {line}", check)
            finally:
                failure.repair(self._supplied)

    def _booting(self, folder: Path) -> AbstractContextManager[Server]:
        emulator = self._supplied.emulator
        return booting(
            image=self._machine,
            folder=folder,
            emulator=emulator,
            instance=emulator.instances()[0],
            processors=self._stack.settings.app_servers.capacity.vcpus,
            accelerator=self._how,
            secret_arns=self._supplied.secret_arns,
            secrets=self.secrets,
        )

    def _follower(self, server: Server, progress: Progress) -> Callable[[str], None]:
        shown = 0

        def follow(stage: str) -> None:
            nonlocal shown
            if not self._show_console:
                progress.update(stage)
                return
            text = server.guest.console_text()
            sys.stdout.write(text[shown:])
            sys.stdout.flush()
            shown = len(text)

        return follow

    def _check(self, title: str, check: Callable[[], None]) -> None:
        started = time.monotonic()
        try:
            check()
        except AssertionError as error:
            self.wrong += 1
            console.print(f"  WRONG  {title}: {error}", highlight=False, markup=False)
        else:
            seconds = time.monotonic() - started
            console.print(f"  right  {title} ({seconds:.1f} s)", highlight=False, markup=False)

    def _keep(self, server: Server) -> None:
        console.print(
            f"The server answers on http://127.0.0.1:{server.host_port} until Ctrl-C; its console is "
            f"{server.guest.console}.",
            highlight=False,
            markup=False,
        )
        try:
            signal.pause()
        except KeyboardInterrupt:
            console.print("Ended.")


def main() -> None:
    """Runs the command; the exit status says whether everything was right."""
    parser = argparse.ArgumentParser(prog="python -m boot", description=__doc__)
    parser.add_argument("--stack", default="production", help="which Pulumi.<stack>.yaml to use")
    parser.add_argument("--failures", action="store_true", help="also boot servers that lack something")
    parser.add_argument("--console", action="store_true", help="show what the server writes to its console")
    parser.add_argument("--keep", action="store_true", help="check nothing, and let the server run until Ctrl-C")
    arguments = parser.parse_args()
    with errors_in_one_sentence():
        sys.exit(_run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    stack = Stack(arguments.stack)
    version = stack.settings.app_servers.node_version
    machine = image.find(version, stack.region)
    sample = release.find(version)
    how = accelerator.choose(machine)
    try:
        with Progress(console, f"Deploying {stack.name} into a sandbox of its own"):
            stack.deploy(sample, PATIENCE_SECONDS)
        supplied = _supplied(stack, stack.emulator(), sample)
        boots = Boots(stack, machine, how, supplied, show_console=arguments.console)
        console.print(f"The machine runs with {how.title}.", highlight=False)
        # Below /tmp, whose path is short enough for a socket.
        with (
            tempfile.TemporaryDirectory(prefix="fixrx-boot-") as folder,
            supplied.emulator.without_policy(supplied.bucket),
        ):
            boots.good(Path(folder), keep=arguments.keep)
            if arguments.failures and not arguments.keep:
                boots.failing(Path(folder))
    finally:
        stack.end()
    if boots.wrong:
        console.print(f"{boots.wrong} checks are wrong.", highlight=False)
    return 1 if boots.wrong else 0


def _supplied(stack: Stack, emulator: Emulator, sample: release.Release) -> Supplied:
    return Supplied(
        emulator=emulator,
        bucket=stack.release_bucket(),
        key=f"releases/{sample.name}.tar.gz",
        release=sample,
        secret_arns=stack.secret_arns(),
    )
