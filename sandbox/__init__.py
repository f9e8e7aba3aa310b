"""AWS on a laptop: runs a Pulumi program with the real Pulumi engine against an emulator of AWS.

`session` has the commands (`python -m sandbox`): it starts and ends the processes and runs the program. `provider`
implements Pulumi's resource-provider protocol and turns every resource into the API calls that AWS would get, sent to
moto. Together they prove the program, the engine, the policies and the parameters of the API calls, and nothing about
how AWS itself behaves.

Other folders import only what is listed here; everything else is internal.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.session.console import Progress, UserError, console, errors_in_one_sentence
    from sandbox.session.placeholders import PLACEHOLDER

__all__ = ["PLACEHOLDER", "Progress", "UserError", "console", "errors_in_one_sentence"]


def __getattr__(name: str) -> Any:
    """Import what is asked for, and not before: `python -m sandbox` imports this module before its own can catch
    Ctrl-C, and each import is a moment in which that would print a traceback.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.session.{'placeholders' if name == 'PLACEHOLDER' else 'console'}"), name)
