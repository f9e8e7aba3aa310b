"""Many threads at once, as the engine works: the schema is read while other threads still import the SDK."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
from concurrent.futures import ThreadPoolExecutor
from sandbox.provider import schema

TOKENS = [
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:kms/key:Key",
    "aws:kms/alias:Alias",
] * 8
with ThreadPoolExecutor(len(TOKENS)) as pool:
    print(all(pool.map(schema.resource, TOKENS)))
"""


def test_a_cold_start_under_load_reads_whole_modules() -> None:
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=root, check=False, capture_output=True, text=True, timeout=120
    )
    assert (ended.stdout, ended.stderr) == ("True\n", "")
