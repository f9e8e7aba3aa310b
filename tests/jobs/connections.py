"""How many connections somebody holds at a time, by the servers' own log: nothing is missed between two looks."""

import re
from collections.abc import Callable, Mapping

from drill.postgresql import Pair

EVENTS = {"connection authorized": 1, "disconnection": -1}


def most_at_once(pair: Pair, database: str, work: Callable[[], object]) -> Mapping[str, int]:
    """Run something; return the most connections that others held meanwhile, of the primary and of the standby."""
    servers = {"primary": pair.primary, "standby": pair.standby}
    for name, server in servers.items():
        server.ask(
            "postgres",
            f"ALTER SYSTEM SET log_line_prefix = 'of {name} by %u on %d: '",
            "ALTER SYSTEM SET log_connections = on",
            "ALTER SYSTEM SET log_disconnections = on",
            "SELECT pg_reload_conf()",
        )
    log = pair.primary.directory.parent / "log"
    before = log.stat().st_size
    work()
    text = log.read_bytes()[before:].decode()
    found = dict.fromkeys(servers, 0)
    held = dict.fromkeys(servers, 0)
    pattern = rf"^of (primary|standby) by (?!postgres )\w+ on {database}: LOG:  ({'|'.join(EVENTS)})"
    for server_name, event in re.findall(pattern, text, re.MULTILINE):
        held[server_name] += EVENTS[event]
        found[server_name] = max(found[server_name], held[server_name])
    return found
