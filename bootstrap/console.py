"""What a command writes, and how it ends: results to the standard output, everything else to the other stream."""

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from bootstrap.access import CommandError, explain
from settings import InvalidSettings

INTERRUPTED = 130
output = Console(highlight=False, emoji=False, soft_wrap=True)
console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def exit_status(run: Callable[[], None]) -> int:
    """Run a command and return its exit status; what it cannot do is said in a sentence."""
    try:
        run()
    except (CommandError, InvalidSettings) as error:
        console.print(f"[red]error:[/red] {escape(str(error))}")
        return 1
    except (ClientError, BotoCoreError) as error:
        console.print(f"[red]error:[/red] {escape(explain(error))}; run the command again when that is corrected.")
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted.")
        return INTERRUPTED
    return 0
