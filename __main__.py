"""The FixRx platform on one page: settings, components and what they need of each other, outputs."""

import pulumi
import pulumi_aws as aws

import components as fixrx
from settings import load_settings

settings = load_settings()
label = settings.label
fixrx.tag_every_resource(label)
provider = aws.Provider("aws", region=label.region, allowed_account_ids=[label.account_id])
on_aws = pulumi.ResourceOptions(providers=[provider])

# Laid out by hand, so that the whole platform can be seen at once.
# fmt: off
boundary = fixrx.PermissionsBoundary("permissions-boundary", fixrx.PermissionsBoundaryArgs(label=label), on_aws)
fixrx.confine_every_role(label, boundary.arn)
workflows = fixrx.ContinuousIntegration("continuous-integration", fixrx.ContinuousIntegrationArgs(
    settings=settings.continuous_integration, label=label, boundary_arn=boundary.arn), on_aws)
keys = fixrx.Encryption("encryption", fixrx.EncryptionArgs(settings=settings.encryption, label=label), on_aws)
notifications = fixrx.Notifications("notifications", fixrx.NotificationsArgs(settings=settings.notifications,
    label=label, notifications_key_arn=keys.notifications_key_arn), on_aws)
access_logs = fixrx.AccessLogs("access-logs", fixrx.AccessLogsArgs(settings=settings.access_logs, label=label), on_aws)
backups = fixrx.BackupBucket("backups", fixrx.BackupBucketArgs(settings=settings.backup_bucket, label=label,
    data_key_arn=keys.data_key_arn, access_log_bucket=access_logs.bucket_name), on_aws)
admin_access = fixrx.AdminAccess("admin-access", fixrx.AdminAccessArgs(settings=settings.admin_access, label=label,
    logs_key_arn=keys.logs_key_arn), on_aws)
network = fixrx.Network("network", fixrx.NetworkArgs(settings=settings.network, label=label,
    logs_key_arn=keys.logs_key_arn), on_aws)
dns = fixrx.Dns("dns", fixrx.DnsArgs(settings=settings.dns, label=label), on_aws)
certificate = fixrx.Certificate("certificate", fixrx.CertificateArgs(domain=settings.dns.api_domain,
    zone_id=dns.zone_id), on_aws)
load_balancer = fixrx.LoadBalancer("load-balancer", fixrx.LoadBalancerArgs(settings=settings.load_balancer, label=label,
    vpc_id=network.vpc_id, subnet_ids=network.public_subnet_ids, certificate_arn=certificate.arn,
    access_log_bucket=access_logs.bucket_name), on_aws)
fixrx.Firewall("firewall", fixrx.FirewallArgs(settings=settings.firewall, label=label,
    load_balancer_arn=load_balancer.arn, logs_key_arn=keys.logs_key_arn), on_aws)
dns.alias("api", settings.dns.api_domain, load_balancer.dns_name, load_balancer.zone_id)

database = fixrx.Database("database", fixrx.DatabaseArgs(settings=settings.database,
    windows=settings.maintenance_windows, label=label, vpc_id=network.vpc_id, subnet_ids=network.data_subnet_ids,
    data_key_arn=keys.data_key_arn, logs_key_arn=keys.logs_key_arn,
    event_topic_arn=notifications.topic_arns[fixrx.Severity.P2],
    max_connections=settings.connection_budget.max_connections), on_aws)
cache = fixrx.Cache("cache", fixrx.CacheArgs(settings=settings.cache, windows=settings.maintenance_windows, label=label,
    vpc_id=network.vpc_id, subnet_ids=network.data_subnet_ids, data_key_arn=keys.data_key_arn,
    logs_key_arn=keys.logs_key_arn), on_aws)
secrets = fixrx.Secrets("secrets", fixrx.SecretsArgs(
    settings=settings.secrets, label=label, secrets_key_arn=keys.secrets_key_arn, generated={
        "DATABASE_URL": database.url, "REPLICA_DATABASE_URL": database.replica_url, "REDIS_URL": cache.url}), on_aws)

app_servers = fixrx.AppServers("app-servers", fixrx.AppServersArgs(settings=settings.app_servers, label=label,
    vpc_id=network.vpc_id, subnet_ids=network.application_subnet_ids, load_balancer=load_balancer.as_front_end,
    upstreams={"database": database.peer, "cache": cache.peer}, environment=settings.application_environment,
    drain_seconds=settings.load_balancer.drain_seconds, secret_arns=secrets.arns, secrets_key_arn=keys.secrets_key_arn,
    releases=backups.as_release_store, session_log_group_arn=admin_access.session_log_group_arn), on_aws)
load_balancer.send_to("app-servers", app_servers.peer)
database.allow_from("app-servers", app_servers.security_group_id)
cache.allow_from("app-servers", app_servers.security_group_id)
network.allow_endpoints_from("app-servers", app_servers.security_group_id)
for reachable in (network, load_balancer, database, cache, app_servers):
    reachable.refuse_other_rules()
fixrx.Alarms("alarms", fixrx.AlarmsArgs(label=label, topic_arns=notifications.topic_arns, specifications=[
    alarm for component in (network, certificate, load_balancer, database, cache, app_servers)
    for alarm in component.alarms]), on_aws)
# fmt: on

pulumi.export("api_url", f"https://{settings.dns.api_domain}")
pulumi.export("name_servers", dns.name_servers)
pulumi.export("load_balancer", load_balancer.dns_name)
pulumi.export("database", database.endpoint)
pulumi.export("database_replica", database.replica_endpoint)
pulumi.export("cache", cache.endpoint)
pulumi.export("backup_bucket", backups.bucket_name)
pulumi.export("secrets", secrets.arns)
pulumi.export("app_servers", app_servers.group_name)
pulumi.export("admin_session_document", admin_access.document_name)
pulumi.export("connections", settings.connection_budget.as_table(settings.pool_size))
pulumi.export("workflow_roles", workflows.role_arns)
