"""The FixRx platform: settings, the layers from the network up to the release, and the stack's outputs."""

import pulumi

from layers import (
    Layers,
    build_data,
    build_edge,
    build_foundation,
    build_migration,
    build_operations,
    build_options,
    build_release,
    build_runtime,
)
from settings.engine import load_settings

settings = load_settings()
foundation = build_foundation(settings)
build_options(settings, foundation)
edge = build_edge(settings, foundation)
data = build_data(settings, foundation)
migration = build_migration(settings, foundation, data)
runtime = build_runtime(settings, foundation, edge, data, migration)
operations = build_operations(settings, foundation, edge, data, migration, runtime)
build_release(settings, Layers(foundation, edge, data, migration, runtime, operations))
pulumi.export("api_url", f"https://{settings.dns.api_domain}")
pulumi.export("name_servers", edge.dns.name_servers)
pulumi.export("ds_record", edge.dns.ds_record)
pulumi.export("load_balancer", edge.load_balancer.dns_name)
pulumi.export("database", data.database.endpoint)
pulumi.export("database_replica", data.database.replica_endpoint)
pulumi.export("cache", data.cache.endpoint)
pulumi.export("backup_bucket", data.backups.bucket_name)
pulumi.export("secrets", data.secrets.arns)
pulumi.export("app_servers", runtime.server_group)
pulumi.export("admin_session_document", foundation.admin_access.document_name)
pulumi.export("connection_budget", settings.connection_budget.as_table(settings.pool_size))
pulumi.export("prometheus_rules", operations.prometheus_rules)
pulumi.export("recovery", settings.recovery)
pulumi.export("workflow_roles", foundation.workflows.role_arns)
