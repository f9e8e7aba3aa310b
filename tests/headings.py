"""The places in a page of docs/ that a message may point to."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def anchors(page: str) -> set[str]:
    """`docs/upgrades.md#nodejs` for each heading, as GitHub names it."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    return {f"{page}#{re.sub(r'[^a-z0-9 -]', '', heading.lower()).replace(' ', '-')}" for heading in headings}
