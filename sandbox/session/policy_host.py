"""Runs a policy pack for the engine, and ends with it: `python policy_host.py <engine's address> <pack>`.

The engine ends its plugins when it ends in order. One that is killed cannot, and the pack would wait for it for ever.
But the pipe that the engine holds to the standard input of each plugin is closed in any case.
"""

import os
import runpy
import sys
import threading


def _end_with_the_engine() -> None:
    while sys.stdin.buffer.read(1024):
        pass
    os._exit(1)


def main() -> None:
    """Runs the SDK's own host."""
    threading.Thread(target=_end_with_the_engine, daemon=True).start()
    # As `python -m` would: the pack is imported from the working directory, and nothing from this file's folder.
    sys.path[0] = os.getcwd()
    runpy.run_module("pulumi.policy", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
