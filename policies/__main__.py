"""The policy pack as Pulumi runs it: this folder, as a program."""

import sys
from importlib import import_module
from pathlib import Path

# Pulumi starts the folder from a working directory of its own choice, where this package's name means nothing.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import_module("policies.pack").main()
