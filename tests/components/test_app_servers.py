"""App servers: how many, how they are made, how a change reaches them, and what they may do."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from components.sections.app_servers import AppServersSettings
from components.shared.host import decoded
from tests.recorder import Recording

ACCOUNT = "111122223333"
SECRETS = [
    "database-url",
    "firebase-project-id",
    "firebase-service-account",
    "jwt-secret",
    "oauth-apple-client-secret",
    "oauth-google-client-secret",
    "redis-url",
    "replica-database-url",
    "sendgrid-api-key",
    "twilio-account-sid",
    "twilio-auth-token",
]
SSM_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
REQUIRED = {"image_id": "ami-0123456789abcdef0", "release": "1.0.0", "release_sha256": "0" * 64}


def test_group_runs_three_to_ten_servers_that_replace_themselves(production: Recording) -> None:
    assert production.named("app-servers-group").pick(
        "minSize", "maxSize", "desiredCapacity", "healthCheckType", "targetGroupArns", "vpcZoneIdentifiers"
    ) == {
        "minSize": 3,
        "maxSize": 10,
        "desiredCapacity": 3,
        "healthCheckType": "ELB",
        "targetGroupArns": ["arn:aws:lb:us-east-1:111122223333:load-balancer-api"],
        "vpcZoneIdentifiers": ["network-application-a-id", "network-application-b-id", "network-application-c-id"],
    }


def test_no_server_is_older_than_a_month(production: Recording) -> None:
    assert production.named("app-servers-group").plain["maxInstanceLifetime"] == 30 * 86400


def test_a_change_replaces_one_server_at_a_time(production: Recording) -> None:
    group = production.named("app-servers-group").plain

    # A number: "$Latest" is the same text after every change, and no refresh would start.
    assert group["launchTemplate"] == {"id": "app-servers-launch-template-id", "version": "1"}
    assert group["instanceMaintenancePolicy"] == {"minHealthyPercentage": 100, "maxHealthyPercentage": 110}
    assert group["instanceRefresh"] == {
        "strategy": "Rolling",
        "preferences": {
            "minHealthyPercentage": 100,
            "maxHealthyPercentage": 110,
            "instanceWarmup": "300",
            "skipMatching": True,
            "alarmSpecification": {
                "alarms": [
                    "fixrx-production-HighErrorRate",
                    "fixrx-production-HighErrorShare",
                    "fixrx-production-ResponseTimeHigh",
                ]
            },
        },
    }


def test_group_waits_until_servers_can_work(production: Recording) -> None:
    """What a server needs at its first boot, and the listener, without which the target group accepts no target."""
    needed = {
        "connections-app-servers-from-load-balancer-80",
        "connections-app-servers-to-cache-6379",
        "connections-app-servers-to-database-5432",
        "connections-app-servers-to-endpoints-443",
        "connections-app-servers-to-internet-443",
        "connections-cache-from-app-servers-6379",
        "connections-database-from-app-servers-5432",
        "connections-endpoints-from-app-servers-443",
        "connections-load-balancer-to-app-servers-80",
        "app-servers-role-policy",
        "app-servers-session-manager",
        *(f"app-servers-{purpose}-log-group" for purpose in ("application", "boot", "metrics", "nginx")),
        "load-balancer-https",
    }

    assert needed <= set(production.named("app-servers-group").depends_on)


def test_server_that_may_still_wait_is_not_replaced(stack: Recording) -> None:
    script = decoded(stack.named("app-servers-launch-template").plain["userData"])
    group = stack.named("app-servers-group").plain

    assert "readonly patience=600\n" in script
    assert group["healthCheckGracePeriod"] == 600 + 300
    assert group["defaultInstanceWarmup"] == 300


def test_servers_are_hardened(production: Recording) -> None:
    template = production.named("app-servers-launch-template")

    assert template.pick("vpcSecurityGroupIds", "metadataOptions") == {
        "vpcSecurityGroupIds": ["connections-app-servers-id"],
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
    }
    assert [device["ebs"]["encrypted"] for device in template.plain["blockDeviceMappings"]] == ["true"]
    # No key pair for SSH, and no public address: the subnets assign none.
    assert {"keyName", "networkInterfaces"} & set(template.plain) == set()


def test_image_is_the_one_of_the_stack_file(production: Recording) -> None:
    image = production.named("app-servers-launch-template").plain["imageId"]

    assert image.startswith("ami-")


def test_group_scales_by_processor_and_by_requests(stack: Recording) -> None:
    assert {each.name: each.plain for each in stack.of_type("aws:autoscaling/policy:Policy")} == {
        f"app-servers-scale-by-{target}": {
            "autoscalingGroupName": "app-servers-group",
            "policyType": "TargetTrackingScaling",
            "targetTrackingConfiguration": {"predefinedMetricSpecification": metric, "targetValue": value},
        }
        for target, metric, value in [
            ("cpu", {"predefinedMetricType": "ASGAverageCPUUtilization"}, 70),
            (
                "requests",
                {
                    "predefinedMetricType": "ALBRequestCountPerTarget",
                    "resourceLabel": "app/load-balancer-alb/1/targetgroup/load-balancer-api/1",
                },
                6000,
            ),
        ]
    }


def test_servers_may_do_this_and_nothing_else(production: Recording) -> None:
    assert production.named("app-servers-role-policy").document("policy") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadOwnSecrets",
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": [f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secrets-{name}" for name in SECRETS],
            },
            {
                "Sid": "ReadSecretsAtOnce",
                "Effect": "Allow",
                "Action": ["secretsmanager:BatchGetSecretValue"],
                "Resource": ["*"],
            },
            {
                "Sid": "DecryptOwnSecrets",
                "Effect": "Allow",
                "Action": ["kms:Decrypt"],
                "Resource": [f"arn:aws:kms:us-east-1:{ACCOUNT}:key/encryption-secrets-key"],
                "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}},
            },
            {
                "Sid": "ReadReleases",
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": [f"arn:aws:s3:::fixrx-backups-production-{ACCOUNT}/releases/*"],
            },
            {
                "Sid": "SeeMissingReleases",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::fixrx-backups-production-{ACCOUNT}"],
            },
            {
                "Sid": "DecryptReleases",
                "Effect": "Allow",
                "Action": ["kms:Decrypt"],
                "Resource": [f"arn:aws:kms:us-east-1:{ACCOUNT}:key/encryption-data-key"],
                "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
            },
            {
                "Sid": "RecordAdminSessions",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                "Resource": [f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/fixrx/production/admin-sessions:*"],
            },
            {
                "Sid": "FindSessionLog",
                "Effect": "Allow",
                "Action": ["logs:DescribeLogGroups"],
                "Resource": [f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*"],
            },
            {
                "Sid": "WriteLogs",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                "Resource": [
                    f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/fixrx/production/servers/{purpose}:*"
                    for purpose in ("application", "nginx", "boot", "metrics")
                ],
            },
            {
                "Sid": "WriteMetrics",
                "Effect": "Allow",
                "Action": ["cloudwatch:PutMetricData"],
                "Resource": ["*"],
                "Condition": {"StringEquals": {"cloudwatch:namespace": "fixrx-production"}},
            },
            {"Sid": "FindOwnGroup", "Effect": "Allow", "Action": ["ec2:DescribeTags"], "Resource": ["*"]},
            {
                "Sid": "GiveUp",
                "Effect": "Allow",
                "Action": ["autoscaling:SetInstanceHealth"],
                "Resource": [f"arn:aws:autoscaling:us-east-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/*"],
                "Condition": {"StringEquals": {"aws:ResourceTag/Name": "fixrx-production-app-servers-group"}},
            },
        ],
    }


def test_servers_may_give_up_in_their_own_group_only(stack: Recording) -> None:
    """The group's tag is what the permission is limited to; a renamed group would leave its servers without it."""
    statements = stack.named("app-servers-role-policy").document("policy")["Statement"]
    (condition,) = (each["Condition"] for each in statements if each["Sid"] == "GiveUp")
    tags = {tag["key"]: tag["value"] for tag in stack.named("app-servers-group").inputs["tags"]}

    assert condition == {"StringEquals": {"aws:ResourceTag/Name": tags["Name"]}}


def test_logs_of_servers_are_kept_for_thirty_days_and_encrypted(stack: Recording, environment: str) -> None:
    for purpose in ("application", "boot", "metrics", "nginx"):
        assert stack.named(f"app-servers-{purpose}-log-group").pick("name", "retentionInDays", "kmsKeyId") == {
            "name": f"/fixrx/{environment}/servers/{purpose}",
            "retentionInDays": 30,
            "kmsKeyId": stack.named("admin-access-session-log-group").plain["kmsKeyId"],
        }


def test_alarm_on_disks_watches_what_the_agent_writes(stack: Recording) -> None:
    """Namespace and dimension are in three places: the agent's file, the alarm and the role's policy."""
    script = decoded(stack.named("app-servers-launch-template").plain["userData"])
    text = script.partition("amazon-cloudwatch-agent.json <<'END_OF_FILE'\n")[2].partition("\nEND_OF_FILE\n")[0]
    metrics = json.loads(text)["metrics"]
    alarm = stack.named("alarms-ServerDiskFull").plain

    assert metrics["namespace"] == alarm["namespace"]
    assert metrics["aggregation_dimensions"] == [list(alarm["dimensions"])] == [["AutoScalingGroupName"]]
    assert metrics["metrics_collected"]["disk"] == {
        "measurement": ["used_percent"],
        "resources": ["/"],
        "drop_device": True,
    }
    assert (alarm["metricName"], alarm["statistic"], alarm["threshold"]) == ("disk_used_percent", "Maximum", 80)


def test_alarm_on_secrets_watches_what_each_look_writes(stack: Recording) -> None:
    """Namespace and name are in the unit, the program that looks, the alarm and the role's policy."""
    script = decoded(stack.named("app-servers-launch-template").plain["userData"])
    alarm = stack.named("alarms-SecretsNotLoaded").plain
    statements = stack.named("app-servers-role-policy").document("policy")["Statement"]
    (allowed,) = (each for each in statements if each["Action"] == ["cloudwatch:PutMetricData"])

    assert script.count(f"fixrx-load-secrets --changed --namespace={alarm['namespace']}\n") == 1
    assert script.count(f'"MetricName": "{alarm["metricName"]}"') == 1
    assert allowed["Condition"] == {"StringEquals": {"cloudwatch:namespace": alarm["namespace"]}}
    assert (alarm["dimensions"], alarm["treatMissingData"]) == ({}, "breaching")


def test_servers_get_what_the_stack_file_says(production: Recording) -> None:
    script = decoded(production.named("app-servers-launch-template").plain["userData"])

    for line in (
        "readonly release='1.0.0'",
        f"readonly sha256='{'0' * 64}'",
        "readonly ssh_daemon=false",
        "readonly ready_url='http://127.0.0.1:80/api/v1/system/ready'",
        "    set_real_ip_from 10.0.0.0/16;",
        "        server 127.0.0.1:3000 max_fails=3 fail_timeout=30s;",
        "        server 127.0.0.1:3001 max_fails=3 fail_timeout=30s;",
        "            proxy_pass http://fixrx_backend/api/v1/system/health;",
        "    keepalive_timeout 75s;",
        "      node_args: ['--max-old-space-size=768', '--require=/etc/fixrx/worker.js'],",
        "      kill_timeout: 55000,",
        "TimeoutStopSec=65",
        # One call of the secret loader, and one turn of PM2: 60 + 30 + 55 s.
        "TimeoutStartSec=145",
    ):
        assert f"\n{line}\n" in script
    # m7g.large has two processors.
    assert "127.0.0.1:3002" not in script


def test_role_is_for_servers_and_has_only_its_own_policies(stack: Recording, environment: str) -> None:
    assert stack.named("app-servers-role").document("assumeRolePolicy")["Statement"] == [
        {
            "Sid": "ServiceMayAssume",
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    assert stack.named("app-servers-instance-profile").plain == {
        "role": "app-servers-role",
        "path": f"/fixrx-{environment}/",
    }
    assert stack.named("app-servers-session-manager").plain == {"role": "app-servers-role", "policyArn": SSM_POLICY}
    assert stack.named("app-servers-only-own-policies").plain == {
        "roleName": "app-servers-role",
        "policyNames": ["app-servers-role-policy"],
    }
    assert stack.named("app-servers-only-own-attachments").plain == {
        "roleName": "app-servers-role",
        "policyArns": [SSM_POLICY],
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_size": 4, "max_size": 3}, "min_size is greater than max_size"),
        ({"instance_type": "t4g.small"}, "2 GiB of memory, and a process for each of its 2 processors needs 3.5 GiB"),
        ({"instance_type": "c7g.medium"}, "2 GiB of memory, and a process for each of its 1 processors needs 2.25 GiB"),
        ({"instance_type": "db.m7g.large"}, "is not of this service"),
        ({"node_version": "18"}, "Input should be '22', '24' or '26'"),
        ({"node_version": "20"}, "Input should be '22', '24' or '26'"),
        ({"image_id": "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023"}, "it looks like"),
        ({"release": "../../etc/passwd"}, "it looks like"),
        ({"release": "1.0.0'; reboot"}, "it looks like"),
        ({"release_sha256": "0" * 63}, "is not a SHA-256 digest; it looks like"),
        ({"release_sha256": "0" * 65}, "is longer than 64 characters"),
        ({"release_sha256": "g" * 64}, "is not a SHA-256 digest; it looks like"),
        ({"release_sha256": "AB" * 32}, f"is not a SHA-256 digest; did you mean {'ab' * 32}"),
        ({"heap_mib": 1024}, "heap_mib is 1024: PM2 restarts a process at 1024 MiB of resident memory, and 128 MiB"),
        ({"heap_mib": 897}, "set heap_mib to 896 or less"),
        ({"heap_mib": 255}, "greater than or equal to 256"),
        ({"boot_patience_seconds": 29}, "greater than or equal to 30"),
        ({"boot_patience_seconds": 3601}, "less than or equal to 3600"),
        ({"max_instance_days": 0}, "greater than or equal to 1"),
        ({"max_instance_days": 366}, "less than or equal to 365"),
    ],
)
def test_servers_that_would_not_work_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AppServersSettings.model_validate({**REQUIRED, **settings})


@pytest.mark.parametrize("missing", ["release", "release_sha256"])
def test_release_is_pinned_with_its_digest(missing: str) -> None:
    with pytest.raises(ValidationError, match=rf"{missing}\n  Field required"):
        AppServersSettings.model_validate({key: value for key, value in REQUIRED.items() if key != missing})


@pytest.mark.parametrize("heap", [256, 896])
def test_heap_below_the_restart_is_taken(heap: int) -> None:
    assert AppServersSettings.model_validate({**REQUIRED, "heap_mib": heap}).heap_mib == heap


def test_heap_leaves_room_below_the_restart_unless_said_otherwise() -> None:
    settings = AppServersSettings.model_validate(REQUIRED)

    assert (settings.heap_mib, settings.max_instance_days, settings.ssh_daemon) == (768, 30, False)


@pytest.mark.parametrize("instance_type", ["m7g.large", "m7g.xlarge", "r7g.large", "t4g.large"])
def test_types_with_memory_for_a_process_per_processor_are_taken(instance_type: str) -> None:
    settings = AppServersSettings.model_validate({**REQUIRED, "instance_type": instance_type})

    assert settings.instance_type == instance_type


@pytest.mark.parametrize(("max_size", "peak"), [(1, 2), (3, 4), (9, 10), (10, 11), (11, 13), (100, 110)])
def test_peak_counts_the_servers_that_a_replacement_starts_first(max_size: int, peak: int) -> None:
    settings = AppServersSettings.model_validate({**REQUIRED, "min_size": 1, "max_size": max_size})

    assert settings.peak_servers == peak
