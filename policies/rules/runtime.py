"""Node.js 18+ runtime environment: a version that is still maintained, on every server."""

import re
from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity
from policies.rules.admin_access import SERVER_KINDS, user_data

NODE_VERSION: Final = re.compile(r"(?:\bnodejs|\bnode[_-]|setup_|nvm install )v?(\d+)")
"""How start-up scripts name the version that they install: a package, a repository, a tool."""
OLDEST_NODE: Final = 22
"""18 left support in April 2025, 20 in April 2026."""


def _node_is_supported(server: StackResource, _: Context) -> Iterator[Problem]:
    for version in sorted({int(match[1]) for match in NODE_VERSION.finditer(user_data(server))}):
        if version < OLDEST_NODE or version % 2:
            yield f"installs Node.js {version}, whose security holes nobody closes"


RULES = (
    Rule(
        name="ec2-nodejs-version-is-supported",
        description="Servers install a version of Node.js with long-term support.",
        item=ChecklistItem.RUNTIME,
        severity=RuleSeverity.HIGH,
        documentation="https://nodejs.org/en/about/previous-releases",
        resource_types=SERVER_KINDS,
        check=_node_is_supported,
        remediation='Set `node_version: "24"` in `fixrx:app_servers`.',
    ),
)
