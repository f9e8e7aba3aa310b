"""How QEMU runs the machine: with the processor's help (KVM) if that works, else in software (TCG)."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from boot.image import Image

DEVICE = Path("/dev/kvm")
TRIAL_SECONDS = 5
"""With KVM the kernel is at its end, the missing disk, after a second."""


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """What QEMU is told, and what a person is."""

    arguments: Sequence[str]
    title: str


KVM = Accelerator(arguments=("-accel", "kvm", "-cpu", "host"), title="KVM")
TCG = Accelerator(
    # The largest cache of translated code that still fits: what is translated once is not translated again.
    arguments=("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,-smap,-smep,-umip,-pku,-la57"),
    title="software emulation",
)


def choose(image: Image, trial_seconds: float = TRIAL_SECONDS, device: Path = DEVICE) -> Accelerator:
    """KVM if a kernel runs under it to its end in time. Where it is offered and hangs, as in some virtual machines,
    nothing but a trial shows that."""
    if not os.access(device, os.R_OK | os.W_OK):
        return TCG
    command = [
        *("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", *KVM.arguments),
        *("-machine", "q35", "-m", "256", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        # Without a disk the kernel panics, and with panic=-1 that ends the machine.
        *("-kernel", str(image.kernel), "-append", "panic=-1 quiet"),
    ]
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        works = process.wait(trial_seconds - (time.monotonic() - started)) == 0
    except subprocess.TimeoutExpired:
        works = False
    finally:
        process.kill()
        process.wait()
    return KVM if works else TCG
