"""Formats that no service model states."""

import pytest

from sandbox.provider.model import Rule
from sandbox.provider.tables import rules

WEEKLY = rules.weekly_window(60)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (rules.ipv4_network, "10.0.0.0/8"),
        (rules.ipv4_network, "0.0.0.0/0"),
        (rules.ipv6_network, "::/0"),
        (rules.vpc_network, "10.0.0.0/28"),
        (rules.account_id, "111122223333"),
        (rules.arn, "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        (rules.arn, "arn:aws:s3:::bucket"),
        (rules.availability_zone, "ap-southeast-1c"),
        (rules.db_instance_class, "db.m7g.large"),
        (rules.cache_node_type, "cache.t4g.small"),
        (rules.schedule_expression, "cron(0 2 * * ? *)"),
        (rules.schedule_expression, "rate(1 day)"),
        (rules.schedule_expression, "rate(5 minutes)"),
        (rules.domain_name, "*.api.fixrx.com"),
        (rules.domain_name, "_acme.fixrx.com."),
        (rules.bucket_name, "fixrx-backups.eu"),
        (rules.daily_window, "23:45-00:15"),
        (rules.hourly_window, "02:00-03:00"),
        (WEEKLY, "sun:23:30-mon:00:30"),
        (WEEKLY, "Sun:03:00-Sun:04:00"),
        (rules.between(1, 5), "5"),
        (rules.one_of("a", "b"), "b"),
    ],
)
def test_what_is_accepted(rule: Rule, value: str) -> None:
    assert rule(value) is None


@pytest.mark.parametrize(
    ("rule", "value", "reason"),
    [
        (
            rules.ipv4_network,
            "10.0.0.256/8",
            "must be an IPv4 CIDR block: Octet 256 (> 255) not permitted in '10.0.0.256'",
        ),
        (rules.ipv4_network, "::/0", "must be an IPv4 CIDR block: Expected 4 octets in '::'"),
        (rules.ipv6_network, "2001:db8::", "must be an IPv6 CIDR block such as 2001:db8::/56"),
        (rules.vpc_network, "10.0.0.0/29", "must have a netmask from /16 to /28"),
        (rules.account_id, "1234", "must be an account id of 12 digits"),
        (rules.arn, "bucket", "must be an ARN"),
        (rules.availability_zone, "us-east-1", "must be an availability zone such as us-east-1a"),
        (rules.db_instance_class, "m7g.large", "must be an instance class such as db.m7g.large"),
        (rules.cache_node_type, "db.t4g.small", "must be a node type such as cache.t4g.small"),
        (rules.schedule_expression, "cron(0 2 * * *)", "must be cron(six fields), rate(number unit) or at(time)"),
        (rules.schedule_expression, "rate(1 days)", "must be cron(six fields), rate(number unit) or at(time)"),
        (rules.domain_name, "fixrx", "must be a domain name"),
        (rules.bucket_name, "a..b", "must be a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens"),
        (rules.bucket_name, "10.0.0.1", "must be a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens"),
        (rules.daily_window, "2:00-3:00", "must be hh24:mi-hh24:mi in UTC, such as 02:00-02:30"),
        (rules.daily_window, "24:00-24:30", "must be hh24:mi-hh24:mi in UTC, such as 02:00-02:30"),
        (rules.daily_window, "02:00-02:15", "must be at least 30 minutes long"),
        (rules.hourly_window, "02:00-02:30", "must be at least 60 minutes long"),
        (WEEKLY, "son:03:00-son:04:00", "must be ddd:hh24:mi-ddd:hh24:mi in UTC, such as sun:03:00-sun:04:00"),
        (WEEKLY, "sun:03:00-sun:03:30", "must be 60 minutes to 24 hours long"),
        (WEEKLY, "sun:03:00-wed:03:00", "must be 60 minutes to 24 hours long"),
        (rules.between(1, 5), "many", "must be between 1 and 5"),
        (rules.one_of("a", "b"), "c", "must be one of a, b"),
        (rules.policy_document, "[]", "must be a JSON object"),
        (rules.policy_document, "{}", "has no Statement"),
        (rules.policy_document, '{"Statement": "x"}', "has a Statement that is not an object"),
        (
            rules.policy_document,
            '{"Version": "2012-10-18", "Statement": [{}]}',
            "has a Version that IAM does not know: use 2012-10-17",
        ),
        (
            rules.policy_document,
            '{"Statement": [{"Effect": "Allow", "Actions": "*"}]}',
            "has a statement with the unknown element Actions",
        ),
        (rules.policy_document, '{"Statement": [{"Effect": "Allow"}]}', "has a statement without Action"),
    ],
)
def test_what_is_refused_and_why(rule: Rule, value: str, reason: str) -> None:
    assert rule(value) == reason
