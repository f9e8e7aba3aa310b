"""Runs every check, whatever the others find: without credentials the others are not checked, and say so."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from bootstrap.access import Access, NoAccess, explain
from bootstrap.stack_file import StackFile
from doctor import domain, notifications, quotas, servers, state
from doctor.context import Context, NameServerLookup
from doctor.finding import Check, Finding, Result, Stage, Status, cannot_tell, missing, ok

CHECKS: Sequence[Check] = (
    *servers.CHECKS[:1],
    *state.CHECKS,
    *domain.CHECKS,
    *servers.CHECKS[1:],
    *quotas.CHECKS,
    *notifications.CHECKS,
)
AT_ONCE = 8
"""Checks that run at the same time. Each waits for AWS most of its time."""
SILENT_SECONDS = 2.0
Waiting = Callable[[Sequence[str]], None]
"""Is told every two seconds which checks still run."""


def check_credentials(context: Context) -> Finding:
    """The credentials of the environment are those of the stack's account."""
    try:
        caller = context.access.identify()
    except NoAccess as error:
        return missing(error.sentence, error.command)
    return ok(f"The credentials are {caller}, of account {context.access.account_id}.")


CREDENTIALS = Check(title="Credentials", stage=Stage.BEFORE_UP, run=check_credentials)


def examine(
    file: StackFile, access: Access, name_servers_of: NameServerLookup, waiting: Waiting = lambda _: None
) -> Sequence[Result]:
    """Run all checks and return their findings, in the order in which a reader acts on them. Raises nothing."""
    context = Context(file=file, access=access, name_servers_of=name_servers_of)
    credentials = Result(check=CREDENTIALS, finding=_run(CREDENTIALS, context))
    if credentials.finding.status is not Status.OK:
        unchecked = Finding(status=Status.NOT_CHECKED, sentence="Needs the credentials of the account.")
        return _in_order([credentials, *(Result(check=check, finding=unchecked) for check in CHECKS)])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(_run, check, context): check for check in CHECKS}
        _wait(running, waiting)
        results = [Result(check=check, finding=future.result()) for future, check in running.items()]
    return _in_order([credentials, *results])


def _wait(running: dict[Future[Finding], Check], waiting: Waiting) -> None:
    pending = set(running)
    while pending:
        _, pending = wait(pending, timeout=SILENT_SECONDS)
        if pending:
            waiting([check.title for future, check in running.items() if future in pending])


def _run(check: Check, context: Context) -> Finding:
    try:
        return check.run(context)
    # Whatever goes wrong in one check, an answer of AWS that no one expected included, the others are still reported.
    except Exception as error:
        return cannot_tell(f"The check was not finished: {explain(error)}.")


def _in_order(results: Sequence[Result]) -> Sequence[Result]:
    stages = list(Stage)
    return sorted(results, key=lambda result: stages.index(result.check.stage))
