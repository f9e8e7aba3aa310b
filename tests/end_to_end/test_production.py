"""The production stack through its life: planned, deployed, changed, drifted, refused; on one deployment.

What is asserted is read from the emulator through boto3, past Pulumi and past the provider, wherever AWS would know it.
"""

import json
import os
import signal
import stat
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.edge.interpreter import Routed, route
from tests.edge.paths import REACHES
from tests.end_to_end.driver import ROOT, Sandbox, summary

pytestmark = pytest.mark.engine

PRIMARY = "fixrx-production-postgres-primary"
REPLICA = "fixrx-production-postgres-replica"
STACK_FILE = ROOT / "Pulumi.production.yaml"


def our_vpcs(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The networks in the emulator, without the default one that every account has."""
    vpcs: list[dict[str, Any]] = sandbox.client("ec2").describe_vpcs()["Vpcs"]
    return [vpc for vpc in vpcs if not vpc["IsDefault"]]


def databases(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """The database instances in the emulator by identifier, without what the time of day changes in them."""
    found = sandbox.client("rds").describe_db_instances()["DBInstances"]
    for database in found:
        database.pop("LatestRestorableTime", None)
    return {database["DBInstanceIdentifier"]: database for database in found}


@pytest.fixture(scope="module")
def previewed(production: Sandbox) -> dict[str, Any]:
    """What a preview in an empty sandbox said, and what it left behind."""
    output = production.succeed("preview")
    return {"output": output, "vpcs": our_vpcs(production), "databases": databases(production)}


@pytest.fixture(scope="module")
def deployed(production: Sandbox, previewed: dict[str, Any]) -> str:
    """The output of the first `up`."""
    return production.succeed("up")


def test_preview_applies_nothing(previewed: dict[str, Any]) -> None:
    assert set(summary(previewed["output"])) == {"created"}
    assert previewed["vpcs"] == []
    assert previewed["databases"] == {}


def test_up_creates_what_the_preview_announced(previewed: dict[str, Any], deployed: str) -> None:
    assert summary(deployed) == summary(previewed["output"])


def test_up_makes_the_platform_real(production: Sandbox, deployed: str) -> None:
    [vpc] = our_vpcs(production)
    assert vpc["CidrBlock"] == "10.0.0.0/16"
    assert {name: database["MultiAZ"] for name, database in databases(production).items()} == {
        PRIMARY: True,
        REPLICA: False,
    }
    [balancer] = production.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert balancer["Scheme"] == "internet-facing"
    listeners = production.client("elbv2").describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert sorted((listener["Port"], listener["Protocol"]) for listener in listeners) == [(80, "HTTP"), (443, "HTTPS")]
    [group] = production.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (group["MinSize"], group["MaxSize"]) == (3, 10)


def test_up_makes_backups_beyond_the_instance_real(production: Sandbox, deployed: str) -> None:
    vaults = {}
    for region in ("us-east-1", "us-west-2"):
        vault = production.client("backup", region).describe_backup_vault(BackupVaultName="fixrx-production-backups")
        key = production.client("kms", region).describe_key(KeyId=vault["EncryptionKeyArn"])["KeyMetadata"]
        vaults[region] = vault
        assert (vault["Locked"], vault["MinRetentionDays"], vault["MaxRetentionDays"]) == (True, 7, 400)
        assert "LockDate" not in vault
        assert (vault["EncryptionKeyArn"].split(":")[3], key["KeyState"]) == (region, "Enabled")
    backup = production.client("backup")
    [listed] = backup.list_backup_plans()["BackupPlansList"]
    rules = backup.get_backup_plan(BackupPlanId=listed["BackupPlanId"])["BackupPlan"]["Rules"]
    assert {rule["ScheduleExpression"]: rule["Lifecycle"]["DeleteAfterDays"] for rule in rules} == {
        "cron(0 5 * * ? *)": 35,
        "cron(0 5 ? * MON *)": 90,
        "cron(0 5 1 * ? *)": 365,
    }
    copies = {copy["DestinationBackupVaultArn"] for rule in rules for copy in rule["CopyActions"]}
    assert copies == {vaults["us-west-2"]["BackupVaultArn"]}
    bucket = "fixrx-backups-dr-production-111122223333"
    s3 = production.client("s3", "us-west-2")
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "us-west-2"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    source = production.client("s3").get_bucket_replication(Bucket="fixrx-backups-production-111122223333")
    assert {rule["Destination"]["Bucket"] for rule in source["ReplicationConfiguration"]["Rules"]} == {
        f"arn:aws:s3:::{bucket}"
    }


def test_up_leaves_state_and_outputs_without_secrets(production: Sandbox, deployed: str) -> None:
    """The two passwords that are of use once are encrypted in the state; no value of a secret is in it at all."""
    shown = {
        resource["urn"].rpartition("::")[2]: resource
        for resource in json.loads(production.succeed("export", "--show-secrets"))["deployment"]["resources"]
    }
    passwords = [
        json.loads(shown[name]["outputs"]["result"]["plaintext"]) for name in ("database-password", "cache-token")
    ]
    assert [len(password) for password in passwords] == [32, 64]
    outputs = production.state_file.with_name("outputs.json").read_text()
    told = production.state_file.read_text() + outputs + deployed
    assert [password for password in passwords if password in told] == []
    assert [name for name, resource in shown.items() if resource["type"].endswith(":SecretVersion")] == []
    assert json.loads(outputs)["api_url"] == "https://api.fixrx.com"


def test_up_does_not_touch_the_users_files(production: Sandbox, deployed: str) -> None:
    assert "encryptionsalt" not in STACK_FILE.read_text()
    copy = production.directory / "production" / "workspace" / STACK_FILE.name
    assert "encryptionsalt" in copy.read_text()


def test_second_up_changes_nothing(production: Sandbox, deployed: str) -> None:
    before = databases(production)
    totals = summary(production.succeed("up"))
    assert totals == {"unchanged": sum(summary(deployed).values())}
    assert databases(production) == before


def test_requests_go_where_they_should_by_what_is_deployed(production: Sandbox, deployed: str) -> None:
    state = production.state()
    rules = [each["outputs"] for each in state.values() if each["type"] == "aws:lb/listenerRule:ListenerRule"]

    found = {path: route(state["load-balancer-https"]["outputs"], rules, path) for path in REACHES}

    assert found == {
        path: Routed(action="fixed-response", path=path, status=404)
        if reaches is None
        else Routed(action="forward", path=reaches)
        for path, reaches in REACHES.items()
    }


def test_exported_state_passes_the_policies_offline(production: Sandbox, deployed: str) -> None:
    production.succeed("analyze")


def test_no_weakening_of_the_platform_goes_unnoticed(production: Sandbox, deployed: str) -> None:
    result = production.mutants()
    assert result.status == 0, result.output
    assert (
        "3347 mutants: 2234 weaknesses reported, 110 outages, 1003 harmless, 0 not reported; 0 unrelated findings."
    ) in result.output


def test_every_item_of_the_checklist_holds(production: Sandbox, deployed: str, tmp_path: Path) -> None:
    report = production.checklist(tmp_path / "checklist.json")
    assert [item["item"] for item in report["items"] if item["status"] != "passed"] == []
    assert sum(item["failed"] + item["undetermined"] for item in report["items"]) == 0


def test_deployed_alarms_can_be_replayed(production: Sandbox, deployed: str, tmp_path: Path) -> None:
    """Two server errors a second for five minutes, by the deployed load balancer's id and by the alarm's name."""
    [balancer] = production.client("elbv2").describe_load_balancers()["LoadBalancers"]
    dimensions = {"LoadBalancer": balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]}
    errors = [[f"2026-11-26T02:{minute:02}:00Z", 120 if 10 <= minute < 15 else 0] for minute in range(25)]
    series = tmp_path / "series.json"
    by_id = {"namespace": "AWS/ApplicationELB", "metric": "HTTPCode_ELB_5XX_Count", "dimensions": dimensions}
    by_name = {"alarm": "NoHealthyServer", "points": [["2026-11-26T02:00:00Z", 3], ["2026-11-26T02:01:00Z", 0]]}
    series.write_text(json.dumps([{**by_id, "points": errors}, by_name]))
    result = production.replay(series)
    assert (result.status, result.errors) == (0, "")
    lines = [line.split() for line in result.output.splitlines() if line.startswith("  2026")]
    p1, p4 = (production.state()[f"notifications-{each}"]["outputs"]["name"] for each in ("p1", "p4"))
    assert lines == [
        ["2026-11-26", time, alarm, *change.split(), "P1", *actions.split()]
        for time, alarm, change, actions in (
            ("02:05:00", "NoHealthyServer", "OK -> ALARM", "no action"),
            ("02:05:00", "ApiDown", "OK -> ALARM", f"{p1} notified"),
            ("02:11:00", "HighErrorRate", "OK -> ALARM", "no action"),
            ("02:11:00", "HighErrorRate-unless-down", "OK -> ALARM", f"{p1} suppressed by ApiDown"),
            ("02:20:00", "HighErrorRate", "ALARM -> OK", "no action"),
            ("02:20:00", "HighErrorRate-unless-down", "ALARM -> OK", f"{p4} suppressed by ApiDown"),
        )
    ]


@pytest.mark.parametrize(("alarm", "told"), [("ApiDown", "ApiDown"), ("HighErrorRate", "HighErrorRate-unless-down")])
def test_deployed_alarm_is_followed_to_people(production: Sandbox, deployed: str, alarm: str, told: str) -> None:
    result = production.fire(alarm)

    assert (result.status, result.errors) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")] for line in result.output.splitlines() if "│" in line]
    mails = [row[3] for row in rows if row[1] == "in the mail"]
    assert mails == [f"P1 INVESTIGATING fixrx-production-{told}", f"P1 RESOLVED fixrx-production-{told}"]
    topics = [row[3] for row in rows if row[1].endswith(" published")]
    ends = "p1" if told == "ApiDown" else "p4"
    assert [topic.rpartition("-")[0] for topic in topics] == ["notifications-p1", f"notifications-{ends}"]


def test_change_updates_in_place(production: Sandbox, deployed: str, tmp_path: Path) -> None:
    before = databases(production)[PRIMARY]
    longer = production.settings(tmp_path / "settings.yaml", database={"backup_retention_days": 30})
    changed = production.run("up", "--settings", str(longer))
    assert changed.status == 0, changed.errors
    assert set(summary(changed.output)) == {"unchanged", "updated"}
    after = databases(production)[PRIMARY]
    assert (before["BackupRetentionPeriod"], after["BackupRetentionPeriod"]) == (35, 30)
    assert before["DbiResourceId"] == after["DbiResourceId"]
    production.succeed("up")
    assert databases(production)[PRIMARY]["BackupRetentionPeriod"] == 35


def test_change_that_would_replace_the_database_is_refused(production: Sandbox, deployed: str, tmp_path: Path) -> None:
    before = databases(production)
    moved = production.settings(tmp_path / "settings.yaml", network={"cidr_block": "10.9.0.0/16"})
    result = production.run("up", "--settings", str(moved))
    assert result.status == 1
    assert "protect" in result.sentence
    assert databases(production) == before
    assert [vpc["CidrBlock"] for vpc in our_vpcs(production)] == ["10.0.0.0/16"]


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_older_database_and_less_storage_are_refused(
    production: Sandbox, deployed: str, tmp_path: Path, operation: str
) -> None:
    before = databases(production)
    lower = production.settings(
        tmp_path / "settings.yaml", database={"engine_version": "16", "allocated_storage_gib": 99}
    )
    result = production.run(operation, "--settings", str(lower))

    assert result.status == 1
    assert (
        'before hook "database-only-grows" failed: fixrx:database.engine_version: 16 is lower than the deployed 17: '
        "RDS cannot go back to an older version. Set it to the deployed one; the way back from an upgrade is in "
        "docs/upgrades.md#back-from-postgresql. fixrx:database.allocated_storage_gib: 99 is lower than the deployed "
        "100: RDS cannot shrink storage. Set it to the deployed size or more; for less, restore a dump into a new "
        "database, docs/upgrades.md#less-storage."
    ) in " ".join(result.sentence.split())
    assert databases(production) == before


def test_drift_is_seen_and_reverted(production: Sandbox, deployed: str) -> None:
    [group] = production.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    name = group["AutoScalingGroupName"]
    # How many servers there are changes by itself.
    production.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=name, MaxSize=11, DesiredCapacity=group["DesiredCapacity"] + 1
    )
    refreshed = production.succeed("refresh")
    assert refreshed.startswith(
        "Group app-servers-group, deployed -> found:\n      maxSize: 10 -> 11\nDone: 1 updated, "
    )
    assert summary(production.succeed("up"))["updated"] == 1
    [restored] = production.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert restored["MaxSize"] == 10


def test_state_that_is_judged_is_the_refreshed_one(production: Sandbox, deployed: str) -> None:
    production.client("rds").modify_db_instance(DBInstanceIdentifier=PRIMARY, BackupRetentionPeriod=1)
    refreshed = production.succeed("refresh")
    assert "      backupRetentionPeriod: 35 -> 1" in refreshed.splitlines()
    assert len(refreshed.splitlines()) < 20
    judged = production.run("analyze")
    assert judged.status == 1
    assert "rds-backup-retention-is-sufficient" in judged.output
    production.succeed("up")
    production.succeed("analyze")


def test_refresh_without_drift_is_short(production: Sandbox, deployed: str) -> None:
    assert len(production.succeed("refresh").splitlines()) < 20


def test_output_of_a_first_deployment_is_readable(deployed: str) -> None:
    assert len(deployed.splitlines()) < 250


WITHOUT_API_NAME = """
import runpy
import sys

sys.path.insert(0, {root!r})

from components.dns import Dns

Dns.alias = lambda *_, **__: None
runpy.run_path({root!r} + "/__main__.py")
"""


def test_name_of_the_api_is_not_given_up_unnoticed(production: Sandbox, deployed: str, tmp_path: Path) -> None:
    nameless = tmp_path / "nameless.py"
    nameless.write_text(WITHOUT_API_NAME.format(root=str(ROOT)))
    result = production.run("preview", "--no-policies", "--program", str(nameless))
    assert result.status == 1
    assert result.output.splitlines()[:5] == [
        "DELETED (4)",
        *(
            f"  - Record {record}; lost: the name {name}: it no longer resolves, and what it leads to cannot be reached"
            for record, name in (
                ("dns-api-a", "api.fixrx.com"),
                ("dns-api-aaaa", "api.fixrx.com"),
                ("dns-cdn-a", "static.fixrx.com"),
                ("dns-cdn-aaaa", "static.fixrx.com"),
            )
        ),
    ]
    assert result.sentence.startswith("The plan deletes or replaces what cannot be had back")
    refused = production.run("preview", "--program", str(nameless))
    assert "The policy pack refuses the plan" in refused.sentence


def test_options_pass_the_policies(production: Sandbox, deployed: str, tmp_path: Path) -> None:
    settings = production.settings(
        tmp_path / "settings.yaml",
        app_servers={"ssh_daemon": True},
        admin_access={"instance_connect": True},
        dns={"dnssec": True},
        dns_firewall={"mode": "block"},
        vpn={
            "enabled": True,
            "server_certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/vpn",
            "saml_provider_arn": "arn:aws:iam::111122223333:saml-provider/sso",
            "group_ids": ["operators"],
        },
        maintenance={"enabled": True, "except_networks": ["203.0.113.0/24"]},
    )
    planned = production.run("preview", "--settings", str(settings))
    assert planned.status == 0, planned.errors
    assert planned.output.splitlines()[0] == (
        "MAINTENANCE: everybody but fixrx:maintenance.except_networks gets 503 in place of the API."
    )


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a program that is the project's own and something more."""

    def write(addition: str) -> Path:
        path = tmp_path / "program.py"
        path.write_text(f"import runpy\n\nplatform = runpy.run_path({str(ROOT / '__main__.py')!r})\n{addition}\n")
        return path

    return write


OPEN_SSH = """
import pulumi
import pulumi_aws as aws

on_aws = pulumi.ResourceOptions(parent=platform["foundation"].network)
bucket = aws.s3.Bucket("before-the-violation", opts=on_aws)
group = aws.ec2.SecurityGroup("open", vpc_id=platform["foundation"].network.vpc_id, description="Open", opts=on_aws)
aws.vpc.SecurityGroupIngressRule(
    "open-ssh", security_group_id=group.id, ip_protocol="tcp", from_port=22, to_port=22, cidr_ipv4="0.0.0.0/0",
    description="SSH from anywhere", opts=on_aws,
)
"""


NO_SSH = "admin-remote-login-is-not-public"
LETS_IN = "open-ssh allows remote login from the internet: SSH on port 22 (EC2.13, EC2.14)."


def test_plan_that_breaks_a_mandatory_rule_creates_nothing(
    production: Sandbox, deployed: str, program: Callable[[str], Path]
) -> None:
    buckets = production.client("s3").list_buckets()["Buckets"]
    groups = production.client("ec2").describe_security_groups()["SecurityGroups"]
    for command in ("preview", "up"):
        result = production.run(command, "--program", str(program(OPEN_SSH)))
        assert result.status == 1
        assert f"{NO_SSH}: SecurityGroupIngressRule open-ssh\n      {LETS_IN}" in result.sentence
        assert result.sentence.startswith("The policy pack refuses the plan, because")
    assert production.client("s3").list_buckets()["Buckets"] == buckets
    assert production.client("ec2").describe_security_groups()["SecurityGroups"] == groups


def test_violations_of_a_preview_are_in_the_events_for_other_programs(
    production: Sandbox, deployed: str, program: Callable[[str], Path]
) -> None:
    events = production.policy_events(program(OPEN_SSH))
    assert [(event["level"], event["resource"]) for event in events if event["policy"] == NO_SSH] == [
        ("mandatory", "open-ssh")
    ]
    assert [LETS_IN in event["message"] for event in events if event["policy"] == NO_SSH] == [True]
    assert {event["resource"] for event in events if event["level"] == "mandatory"} == {
        "before-the-violation",
        "open",
        "open-ssh",
    }


def test_killed_provider_is_replaced_and_the_emulator_kept(production: Sandbox, deployed: str) -> None:
    emulator, provider = production.process("emulator"), production.process("provider")
    os.kill(provider["pid"], signal.SIGKILL)
    assert set(summary(production.succeed("preview"))) == {"unchanged"}
    assert production.process("emulator") == emulator
    assert production.process("provider")["pid"] != provider["pid"]


def test_another_account_does_not_cost_the_deployed_stack(production: Sandbox, deployed: str, tmp_path: Path) -> None:
    elsewhere = production.settings(tmp_path / "settings.yaml", account={"id": "555566667777"})
    emulator = f"moto {version('moto')}"
    for command in ("preview", "up"):
        result = production.run(command, "--settings", str(elsewhere))
        assert result.status == 1
        assert result.sentence == (
            f"production is deployed in the sandbox for another purpose (account 111122223333, {emulator}) than its "
            f"settings now ask for (account 555566667777, {emulator}): undo the change, or run `make down` to end the "
            "sandbox and forget what is deployed."
        )
    assert set(summary(production.succeed("preview"))) == {"unchanged"}


def test_port_beside_a_running_emulator_is_refused(production: Sandbox, deployed: str) -> None:
    port = production.process("emulator")["port"]
    result = production.run("preview", "--port", str(port + 1))
    assert result.status == 1
    assert result.sentence == (
        f"The emulator already runs on port {port}, so it cannot use port {port + 1}: "
        "leave `--port` out, or end the sandbox with `make down` first; that forgets what is deployed."
    )
    assert set(summary(production.succeed("preview", "--port", str(port)))) == {"unchanged"}


def test_what_is_kept_is_for_its_owner_only(production: Sandbox, deployed: str) -> None:
    """The state has the values of secrets, if encrypted, and the passphrase that decrypts them is beside it.

    In a folder that is closed nobody else reaches a file, whatever rights it has: the engine's logs have more.
    """
    rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in production.directory.iterdir()}
    assert rights == {"bin": 0o700, "lock": 0o600, "passphrase": 0o600, "production": 0o700}
    assert len((production.directory / "passphrase").read_text()) >= 32


def test_protected_stack_is_not_destroyed(production: Sandbox, deployed: str) -> None:
    result = production.run("destroy")
    assert result.status == 1
    assert "protect" in result.sentence
    assert set(databases(production)) == {PRIMARY, REPLICA}
