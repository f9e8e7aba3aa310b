"""Assembles the pack: all rules, the waivers of today, and the server that Pulumi talks to."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import yaml

from policies.engine.evaluation import RuleIndex
from policies.engine.server import Analyzer, serve
from policies.engine.waivers import WAIVER_FILE, WaiverError, read_waivers
from policies.rules import ALL_RULES, KNOWN_TYPES

PROJECT_FILE = Path(__file__).with_name("PulumiPolicy.yaml")


def main() -> None:
    """Serve the pack until the engine ends the process."""
    index = RuleIndex(ALL_RULES)
    version = yaml.safe_load(PROJECT_FILE.read_text())["version"]
    try:
        waivers = read_waivers(WAIVER_FILE, index.rules, datetime.now(UTC).date())
    except WaiverError as error:
        sys.exit(f"The policy pack cannot start: {error}")
    serve(Analyzer(index, waivers, version, KNOWN_TYPES))
