"""The blocks of commands in docs/runbooks.md, run as they stand but for the names in angle brackets.

AWS is moto, so what a command leaves is shown and not how long AWS takes; a restored database has no data there.
"""

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drill.command import DATABASE
from drill.jobs import BUCKET, CREDENTIALS, Account
from drill.postgresql import OWNER, Pair, programs
from sandbox.session.engine import PULUMI, find
from tests.host.programs import program

pytestmark = [pytest.mark.host, pytest.mark.engine]

PAGE = Path(__file__).parents[2] / "docs" / "runbooks.md"
NEEDS_AWS = "# needs AWS"
PRIMARY, COPY, DAMAGED = (f"fixrx-staging-postgres-{role}" for role in ("primary", "copy", "damaged"))
URN = "urn:pulumi:staging::fixrx::aws:rds/instance:Instance::database-primary"


@dataclass(frozen=True)
class Block:
    """Commands, or statements of SQL, and the section that they are in."""

    section: str
    text: str


def blocks() -> Sequence[Block]:
    """Every indented block of the page, in its order."""
    found, section, lines = [], "", list[str]()
    for line in [*PAGE.read_text().splitlines(), ""]:
        if line.startswith("    "):
            lines.append(line)
            continue
        if lines:
            found.append(Block(section, textwrap.dedent("\n".join(lines))))
            lines = []
        if line.startswith("#"):
            section = line.strip("# ")
    return found


BLOCKS = blocks()
EXECUTED = {
    "A deployment was interrupted": 3,
    "The state is damaged": 2,
    "Restore a backup of the vault": 1,
    "Restore to a point in time": 3,
    "DatabaseConnectionHigh": 1,
    "DatabaseStorageLow": 1,
}
"""Sections to the number of their blocks that a test below runs."""


def block(section: str, number: int = 0) -> str:
    """Return a block that does not need AWS."""
    return [each.text for each in BLOCKS if each.section == section and not each.text.startswith(NEEDS_AWS)][number]


def test_every_block_is_run_or_says_that_it_needs_aws() -> None:
    executed: dict[str, int] = {}
    for each in BLOCKS:
        if not each.text.startswith(NEEDS_AWS):
            executed[each.section] = executed.get(each.section, 0) + 1

    assert executed == EXECUTED
    assert sum(EXECUTED.values()) == 11
    assert sum(each.text.startswith(NEEDS_AWS) for each in BLOCKS) == 12


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """Where an operator types, with the programs that the page uses."""

    account: Account
    directory: Path

    def run(self, commands: str, names: Mapping[str, str] | None = None) -> str:
        """Run a block with names in place of those in angle brackets; return what it prints."""
        text = commands.replace("STACK", "staging").replace(".venv/bin/python", sys.executable)
        for name, value in (names or {}).items():
            assert f"<{name}>" in text, name
            text = text.replace(f"<{name}>", value)
        assert not re.search(r"<[a-z][^>]*>", text), text
        return self.type(text)

    def type(self, text: str) -> str:
        environment = {
            **os.environ,
            **CREDENTIALS,
            "PATH": f"{self.directory}/bin:{programs()}:{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self.directory}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "AWS_PAGER": "",
        }
        finished = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout


@pytest.fixture
def terminal(account: Account, tmp_path: Path) -> Terminal:
    (tmp_path / "bin").mkdir()
    # Debian's older version does not know AWS_ENDPOINT_URL.
    aws = tmp_path / "bin" / "aws"
    aws.write_text(f'#!/bin/sh\nexec {program("aws")} --endpoint-url {account.url} "$@"\n')
    aws.chmod(0o755)
    (tmp_path / "bin" / "pulumi").symlink_to(find(PULUMI))
    (tmp_path / "Pulumi.yaml").write_text("name: fixrx\nruntime: yaml\n")
    return Terminal(account=account, directory=tmp_path)


def state_with(terminal: Terminal, identifier: str) -> None:
    """A stack that knows the primary by an id."""
    terminal.type("pulumi stack init staging")
    exported = json.loads(terminal.type("pulumi stack export --stack staging"))
    primary = {
        "urn": URN,
        "custom": True,
        "id": identifier,
        "type": "aws:rds/instance:Instance",
        "outputs": {"resourceId": identifier},
    }
    exported["deployment"]["resources"] = [primary]
    (terminal.directory / "given.json").write_text(json.dumps(exported))
    terminal.type("pulumi stack import --stack staging --file given.json")


def database(terminal: Terminal, identifier: str, **options: Any) -> dict[str, Any]:
    created = terminal.account.client("rds").create_db_instance(
        DBInstanceIdentifier=identifier,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="fixrx_admin",
        MasterUserPassword="not-a-secret",
        **options,
    )
    return dict(created["DBInstance"])


def databases(terminal: Terminal) -> dict[str, dict[str, Any]]:
    found = terminal.account.client("rds").describe_db_instances()["DBInstances"]
    return {each["DBInstanceIdentifier"]: each for each in found}


def network(terminal: Terminal) -> dict[str, str]:
    """What a restored database needs, by its name in the page."""
    ec2, rds = terminal.account.client("ec2"), terminal.account.client("rds")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    rds.create_db_subnet_group(
        DBSubnetGroupName="subnets",
        DBSubnetGroupDescription="data",
        SubnetIds=[each["SubnetId"] for each in subnets[:2]],
    )
    rds.create_db_parameter_group(
        DBParameterGroupName="parameters", DBParameterGroupFamily="postgres17", Description="data"
    )
    group = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"][0]["GroupId"]
    return {"subnet group": "subnets", "parameter group": "parameters", "security group": group}


def test_an_interrupted_deployment_is_unlocked_and_its_pending_operations_are_listed(terminal: Terminal) -> None:
    pending = {"type": "creating", "resource": {"urn": URN, "custom": True, "type": "aws:rds/instance:Instance"}}
    state_with(terminal, "db-1")
    # As a deployment leaves it; an import would drop what is pending.
    state = terminal.directory / ".pulumi" / "stacks" / "fixrx" / "staging.json"
    left = json.loads(state.read_text())
    left["checkpoint"]["latest"]["pending_operations"] = [pending]
    state.write_text(json.dumps(left))
    locks = terminal.directory / ".pulumi" / "locks" / "organization" / "fixrx" / "staging"
    locks.mkdir(parents=True, exist_ok=True)
    (locks / "0a1b2c3d-0000-4000-8000-000000000000.json").write_text('{"pid": 1, "username": "a", "hostname": "b"}')

    terminal.run(block("A deployment was interrupted", 0))
    listed = terminal.run(block("A deployment was interrupted", 1))

    assert list(locks.iterdir()) == []
    assert listed == f"('creating', '{URN}')\n"


def test_a_resource_is_found_by_the_last_part_of_its_urn(terminal: Terminal) -> None:
    database(terminal, PRIMARY, Tags=[{"Key": "Name", "Value": "fixrx-staging-database-primary"}])
    database(terminal, COPY, Tags=[{"Key": "Name", "Value": "fixrx-staging-database-copy"}])

    found = terminal.run(block("A deployment was interrupted", 2), {"last part of the URN": "database-primary"})

    assert [each["ResourceARN"].rpartition(":")[2] for each in json.loads(found)["ResourceTagMappingList"]] == [PRIMARY]


def test_the_last_good_version_of_the_state_becomes_the_newest(terminal: Terminal) -> None:
    s3 = terminal.account.client("s3")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    key = ".pulumi/stacks/fixrx/staging.json"
    good = s3.put_object(Bucket=BUCKET, Key=key, Body=b"good")["VersionId"]
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"damaged")

    listed = terminal.run(block("The state is damaged", 0), {"bucket": BUCKET})
    assert sorted(line.split()[2] for line in listed.splitlines()) == ["4", "7"]
    assert good in listed

    terminal.run(block("The state is damaged", 1), {"bucket": BUCKET, "version": good})
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"good"


def test_a_snapshot_of_the_vault_is_restored_beside_the_database(terminal: Terminal) -> None:
    database(terminal, PRIMARY)
    terminal.account.client("rds").create_db_snapshot(DBInstanceIdentifier=PRIMARY, DBSnapshotIdentifier="kept")

    terminal.run(block("Restore a backup of the vault"), {"name": "kept", **network(terminal)})

    copy = databases(terminal)[COPY]
    assert (copy["DeletionProtection"], copy["DBSubnetGroup"]["DBSubnetGroupName"]) == (True, "subnets")
    assert PRIMARY in databases(terminal)


def test_a_database_is_restored_to_a_moment_beside_the_running_one(terminal: Terminal) -> None:
    database(terminal, PRIMARY, BackupRetentionPeriod=7)

    terminal.run(block("Restore to a point in time", 0), {"time": "2026-11-26T03:15:00Z", **network(terminal)})

    assert databases(terminal)[COPY]["DBInstanceStatus"] == "available"
    assert PRIMARY in databases(terminal)


def test_lost_rows_come_back_from_the_copy_which_is_deleted(terminal: Terminal, pair: Pair) -> None:
    database(terminal, COPY, DeletionProtection=True)
    server = pair.primary
    for name in ("runbook_copy", "runbook_running"):
        server.ask("postgres", f"CREATE DATABASE {name} OWNER {OWNER}")
        server.ask(name, "CREATE TABLE orders (id int PRIMARY KEY)", user=OWNER)
    server.ask("runbook_copy", "INSERT INTO orders SELECT generate_series(1, 1000)", user=OWNER)
    commands = block("Restore to a point in time", 1)
    at = f"postgresql:///{{}}?host={server.directory}&port={server.port}&user={OWNER}"
    commands = commands.replace("postgresql://<user>@localhost:5433/<database>", at.format("runbook_copy"))
    commands = commands.replace("postgresql://<user>@localhost:5432/<database>", at.format("runbook_running"))

    terminal.run(commands, {"table": "orders"})

    assert server.ask("runbook_running", "SELECT count(*), max(id) FROM orders").strip() == "1000|1000"
    assert COPY not in databases(terminal)


def test_the_copy_takes_the_place_of_the_primary_in_aws_and_in_the_state(terminal: Terminal) -> None:
    damaged = database(terminal, PRIMARY)["DbiResourceId"]
    copy = database(terminal, COPY)["DbiResourceId"]
    state_with(terminal, damaged)

    names = {"id of the damaged one": damaged, "id of the new primary": copy}
    listed = terminal.run(block("Restore to a point in time", 2), names)

    assert {name: each["DbiResourceId"] for name, each in databases(terminal).items()} == {
        DAMAGED: damaged,
        PRIMARY: copy,
    }
    assert dict(line.split() for line in listed.splitlines() if line.startswith("fixrx-"))[PRIMARY] == copy
    (primary,) = json.loads(terminal.type("pulumi stack export --stack staging"))["deployment"]["resources"]
    assert (primary["id"], primary["outputs"]["resourceId"]) == (copy, copy)


def test_who_is_connected_is_counted_by_the_statement(pair: Pair) -> None:
    listed = pair.primary.ask(DATABASE, block("DatabaseConnectionHigh"), user=OWNER)

    assert any(line.startswith(f"{OWNER}|psql|") and line.endswith("|active|1") for line in listed.splitlines())


def test_a_slot_that_keeps_files_is_shown_by_the_statement(pair: Pair) -> None:
    pair.primary.ask("postgres", "SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        listed = pair.primary.ask("postgres", block("DatabaseStorageLow"))
    finally:
        pair.primary.ask("postgres", "SELECT pg_drop_replication_slot('forgotten')")

    assert re.search(r"^forgotten\|f\|\d+ \w+$", listed, re.MULTILINE)
