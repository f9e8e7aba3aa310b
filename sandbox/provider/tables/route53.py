"""Route 53: zones, records, query logs."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Inputs, Live, ResourceType, Text, call, constant, template
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import given, regular_type, tagging, without
from sandbox.provider.values import UNKNOWN


def _first_vpc(inputs: Inputs) -> dict[str, Any]:
    """The zone is created with one VPC, which makes it private."""
    vpcs = inputs.get("vpcs")
    prepared = without(inputs, "vpcs")
    if isinstance(vpcs, list) and vpcs and isinstance(vpcs[0], Mapping):
        first = {"VPCId": vpcs[0].get("vpcId"), "VPCRegion": vpcs[0].get("vpcRegion", "us-east-1")}
        return {**prepared, "vpc": first, "privateZone": True}
    return prepared


def _read_zone(api: Api, live: Live) -> Mapping[str, Any]:
    answer = api("get_hosted_zone", Id=live.id)
    zone = answer["HostedZone"]
    servers = answer.get("DelegationSet", {}).get("NameServers", [])
    return {
        "Name": zone["Name"].rstrip("."),
        "Comment": zone.get("Config", {}).get("Comment"),
        "NameServers": servers,
        "Vpcs": [{"vpcId": vpc["VPCId"], "vpcRegion": vpc["VPCRegion"]} for vpc in answer.get("VPCs", [])] or None,
    }


def _empty_zone(api: Api, live: Live) -> None:
    if live.state.get("forceDestroy"):
        for record in _records(api, live.id):
            if record["Type"] not in ("NS", "SOA"):
                _send(api, live.id, "DELETE", record)


_ZONE = regular_type(
    "aws:route53/zone:Zone",
    "route53",
    "HostedZone",
    "Id",
    id=lambda live: live.description["HostedZone"]["Id"].split("/")[-1],
    tagging=tagging(
        "change_tags_for_resource change_tags_for_resource list_tags_for_resource",
        "ResourceTagSet.Tags",
        ResourceType=Text("hostedzone"),
        ResourceId="id",
    ),
    prepare=_first_vpc,
    renames={"comment": "HostedZoneConfig.Comment", "privateZone": "HostedZoneConfig.PrivateZone", "vpc": "VPC"},
    constants={"CallerReference": lambda: uuid.uuid4().hex},
    read=_read_zone,
    attributes={
        "arn": template("arn:aws:route53:::hostedzone/{id}"),
        "comment": "Comment",
        "name": "Name",
        "primaryNameServer": "NameServers[0]",
        "zoneId": lambda live: live.id,
        "enableAcceleratedRecovery": constant(False),
    },
    absent_outputs="nameServers primaryNameServer",
    update=call("update_hosted_zone_comment", Id="id"),
    update_renames={"comment": "Comment"},
    before_delete=_empty_zone,
    # Further VPCs can join a private zone in AWS; the sandbox makes a new zone for another first one.
    replace="name delegationSetId vpcs",
    defaults={"comment": "Managed by Pulumi", "forceDestroy": False},
    provider_only="forceDestroy",
    rules={"name": rules.domain_name},
    references={"vpcs.vpcId": references.VPC},
)

_ROUTING = {
    "failoverRoutingPolicies": ("Failover", "type"),
    "latencyRoutingPolicies": ("Region", "region"),
    "weightedRoutingPolicies": ("Weight", "weight"),
}


_RECORD_MEMBERS = {
    "healthCheckId": "HealthCheckId",
    "multivalueAnswerRoutingPolicy": "MultiValueAnswer",
    "setIdentifier": "SetIdentifier",
    "ttl": "TTL",
}


def _record_set(inputs: Inputs) -> dict[str, Any]:
    """The record in Route 53's form. Long TXT values are cut into strings of 255, as DNS demands."""
    record: dict[str, Any] = {"Name": inputs["name"], "Type": inputs["type"]}
    aliases = inputs.get("aliases")
    if aliases:
        alias = aliases[0]
        record["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        }
    values = inputs.get("records")
    if isinstance(values, list):
        values = [{"Value": _record_value(inputs["type"], value)} for value in values]
    if values is not None:
        record["ResourceRecords"] = values
    for key, (member, part) in _ROUTING.items():
        if inputs.get(key):
            record[member] = inputs[key][0][part]
    return record | {_RECORD_MEMBERS[key]: inputs[key] for key in given(inputs, *_RECORD_MEMBERS)}


_TEXT_LENGTH = 255


def _record_value(kind: str, value: str) -> str:
    """Values of TXT and SPF records are quoted in Route 53 and plain in the program."""
    if kind not in ("TXT", "SPF") or value.startswith('"'):
        return value
    parts = [value[start : start + _TEXT_LENGTH] for start in range(0, len(value), _TEXT_LENGTH)]
    return " ".join(f'"{part}"' for part in parts)


def _change_batch(inputs: Inputs) -> dict[str, Any]:
    """Creation never overwrites unless it was allowed to, so a record that exists already is an error."""
    action = "UPSERT" if inputs.get("allowOverwrite") is True else "CREATE"
    changes = [{"Action": action, "ResourceRecordSet": _record_set(inputs)}]
    return {"hostedZoneId": inputs["zoneId"], "changeBatch": {"Changes": changes}}


def _send(api: Api, zone: str, action: str, record: Mapping[str, Any]) -> None:
    changes = [{"Action": action, "ResourceRecordSet": record}]
    api("change_resource_record_sets", HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _records(api: Api, zone: str) -> Iterator[dict[str, Any]]:
    position: dict[str, Any] = {}
    while True:
        page = api("list_resource_record_sets", HostedZoneId=zone, **position)
        yield from page["ResourceRecordSets"]
        if not page.get("IsTruncated"):
            return
        position = {"StartRecordName": page["NextRecordName"], "StartRecordType": page["NextRecordType"]}


def _plain_name(name: str) -> str:
    return name.lower().rstrip(".").replace("\\052", "*")


def _find_record(api: Api, live: Live) -> dict[str, Any] | None:
    state = live.state
    wanted = (_plain_name(state["name"]), state["type"], state.get("setIdentifier"))
    for record in _records(api, state["zoneId"]):
        if (_plain_name(record["Name"]), record["Type"], record.get("SetIdentifier")) == wanted:
            return record
    return None


def _refuse_second_record(api: Api, live: Live) -> None:
    """Route 53 has one record set of a name and type, and none beside a CNAME (InvalidChangeBatch)."""
    name, kind = _plain_name(live.state["name"]), live.state["type"]
    if _find_record(api, live) is not None and live.state.get("allowOverwrite") is not True:
        raise ProviderError(
            f"the zone {live.state['zoneId']} already has a record set {name} of type {kind}: take it over with "
            "allowOverwrite, or delete it first"
        )
    for record in _records(api, live.state["zoneId"]):
        if _plain_name(record["Name"]) == name and record["Type"] != kind and "CNAME" in (record["Type"], kind):
            raise ProviderError(
                f"the zone {live.state['zoneId']} has a record set {name} of type {record['Type']}: one of type {kind} "
                "cannot be beside it"
            )


def _read_record(api: Api, live: Live) -> Mapping[str, Any] | None:
    record = _find_record(api, live)
    if record is None:
        return None
    target = record.get("AliasTarget")
    alias = target and {
        "name": _plain_name(target["DNSName"]),
        "zoneId": target["HostedZoneId"],
        "evaluateTargetHealth": target["EvaluateTargetHealth"],
    }
    routing = {
        key: [{part: record[member]}] for key, (member, part) in _ROUTING.items() if record.get(member) is not None
    }
    return {**record, **routing, "Aliases": [alias] if alias else None}


def _read_values(live: Live) -> list[str] | None:
    """Quoted text is reported as the program wrote it."""
    records = live.description.get("ResourceRecords")
    if not records:
        return None
    given = {_record_value(live.state["type"], value): value for value in live.state.get("records") or []}
    return [given.get(record["Value"], record["Value"]) for record in records]


def _delete_record(api: Api, live: Live) -> None:
    """Deletion must name the values that are there, which may have drifted."""
    record = _find_record(api, live)
    if record is not None:
        _send(api, live.state["zoneId"], "DELETE", record)


def _record_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    if (inputs.get("aliases") is None) == (inputs.get("records") is None):
        yield CheckFailure("records", "exactly one of records and aliases must be given")
    if inputs.get("records") is not None and inputs.get("ttl") is None:
        yield CheckFailure("ttl", "a record with values needs a ttl")
    if inputs.get("aliases") is not None and inputs.get("ttl") is not None:
        yield CheckFailure("ttl", "an alias takes no ttl")


def _record_id(live: Live) -> str:
    parts = [live.state["zoneId"], live.state["name"], live.state["type"], live.state.get("setIdentifier")]
    return "_".join(part for part in parts if part)


_RECORD = ResourceType(
    token="aws:route53/record:Record",
    service="route53",
    create="change_resource_record_sets",
    id=_record_id,
    prepare=_change_batch,
    before_create=_refuse_second_record,
    read=_read_record,
    attributes={
        "name": lambda live: _plain_name(live.description["Name"]),
        "fqdn": lambda live: _plain_name(live.description["Name"]),
        "records": _read_values,
        "ttl": "TTL",
        "allowOverwrite": constant(False),
    },
    write_only="zoneId allowOverwrite name",
    custom_update=lambda api, live: _send(api, live.state["zoneId"], "UPSERT", _record_set(live.state)),
    custom_update_inputs="aliases allowOverwrite healthCheckId multivalueAnswerRoutingPolicy records ttl "
    + " ".join(_ROUTING),
    delete=_delete_record,
    replace="zoneId name type setIdentifier",
    validate=_record_rules,
    rules={"name": rules.matches(r"[a-zA-Z0-9_*.-]{1,255}", "a fully qualified domain name")},
    references={"zoneId": references.HOSTED_ZONE},
)

_ALL_STREAMS = ":*"


def _all_streams(inputs: Inputs) -> dict[str, Any]:
    """AWS accepts a log group's ARN with and without its streams; the emulator only with."""
    arn = inputs.get("cloudwatchLogGroupArn")
    complete = arn if not isinstance(arn, str) or arn == UNKNOWN or arn.endswith(_ALL_STREAMS) else arn + _ALL_STREAMS
    return {**inputs, "cloudwatchLogGroupArn": complete}


def _read_log_group_arn(live: Live) -> str:
    arn = str(live.description["CloudWatchLogsLogGroupArn"])
    given = str(live.state.get("cloudwatchLogGroupArn", ""))
    return arn if given.endswith(_ALL_STREAMS) else arn.removesuffix(_ALL_STREAMS)


_LOG_GROUP_ARN = "the ARN of a log group in us-east-1, where Route 53 logs"

_QUERY_LOG = ResourceType(
    token="aws:route53/queryLog:QueryLog",
    service="route53",
    create="create_query_logging_config",
    id="QueryLoggingConfig.Id",
    renames={"cloudwatchLogGroupArn": "CloudWatchLogsLogGroupArn", "zoneId": "HostedZoneId"},
    read=call("get_query_logging_config", Id="id"),
    description="QueryLoggingConfig",
    prepare=_all_streams,
    attributes={
        "arn": template("arn:aws:route53:::queryloggingconfig/{id}"),
        "cloudwatchLogGroupArn": _read_log_group_arn,
    },
    delete=call("delete_query_logging_config", Id="id"),
    replace="cloudwatchLogGroupArn zoneId",
    rules={
        "cloudwatchLogGroupArn": rules.matches(r"arn:aws:logs:us-east-1:\d{12}:log-group:.+", _LOG_GROUP_ARN),
    },
    references={"zoneId": references.HOSTED_ZONE, "cloudwatchLogGroupArn": references.LOG_GROUP},
)


def _ds_record(live: Live) -> str:
    """A DS record in the form of a real one; its digest is that of the key's ARN, as nothing is signed here."""
    return f"{_KEY_TAG} 13 2 {sha256(live.state['keyManagementServiceArn'].encode()).hexdigest().upper()}"


_KEY_TAG = 12345

_KEY_SIGNING_KEY = ResourceType(
    token="aws:route53/keySigningKey:KeySigningKey",
    service="route53",
    create="create_key_signing_key",
    id=template("{hostedZoneId},{name}"),
    constants={"CallerReference": lambda: uuid.uuid4().hex},
    attributes={
        "digestAlgorithmMnemonic": constant("SHA-256"),
        "digestAlgorithmType": constant(2),
        "digestValue": lambda live: _ds_record(live).split()[-1],
        "dnskeyRecord": constant("257 3 13 c2FuZGJveA=="),
        "dsRecord": _ds_record,
        "flag": constant(257),
        "keyTag": constant(_KEY_TAG),
        "publicKey": constant("c2FuZGJveA=="),
        "signingAlgorithmMnemonic": constant("ECDSAP256SHA256"),
        "signingAlgorithmType": constant(13),
    },
    replace="hostedZoneId keyManagementServiceArn name",
    autoname=Autoname("name", longest=128),
    defaults={"status": "ACTIVE"},
    rules={
        "keyManagementServiceArn": rules.matches(
            r"arn:aws:kms:us-east-1:\d{12}:key/.+", "the ARN of a key in us-east-1"
        ),
        "name": rules.matches(r"[A-Za-z0-9_]{3,128}", "3 to 128 letters, digits and _"),
        "status": rules.one_of("ACTIVE", "INACTIVE"),
    },
    references={"hostedZoneId": references.HOSTED_ZONE, "keyManagementServiceArn": references.KMS_KEY},
    stored_only=True,
)

_DNSSEC = ResourceType(
    token="aws:route53/hostedZoneDnsSec:HostedZoneDnsSec",
    service="route53",
    create="enable_hosted_zone_dnssec",
    id=template("{hostedZoneId}"),
    replace="hostedZoneId",
    defaults={"signingStatus": "SIGNING"},
    provider_only="signingStatus",
    rules={"signingStatus": rules.one_of("SIGNING", "NOT_SIGNING")},
    references={"hostedZoneId": references.HOSTED_ZONE},
    stored_only=True,
)

_OF_ENDPOINTS = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
_CONFIG = {
    "childHealthThreshold": "HealthThreshold",
    "childHealthchecks": "ChildHealthChecks",
    "disabled": "Disabled",
    "enableSni": "EnableSNI",
    "failureThreshold": "FailureThreshold",
    "fqdn": "FullyQualifiedDomainName",
    "insufficientDataHealthStatus": "InsufficientDataHealthStatus",
    "invertHealthcheck": "Inverted",
    "ipAddress": "IPAddress",
    "measureLatency": "MeasureLatency",
    "port": "Port",
    "regions": "Regions",
    "requestInterval": "RequestInterval",
    "resourcePath": "ResourcePath",
    "routingControlArn": "RoutingControlArn",
    "searchString": "SearchString",
    "type": "Type",
}


def _health_check_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    kind = str(inputs.get("type"))
    if kind in _OF_ENDPOINTS and inputs.get("fqdn") is None and inputs.get("ipAddress") is None:
        yield CheckFailure("fqdn", "a check of an endpoint needs fqdn or ipAddress")
    if kind.endswith("_STR_MATCH") != (inputs.get("searchString") is not None):
        yield CheckFailure("searchString", "belongs to the types that end in _STR_MATCH, and must be given there")


_HEALTH_CHECK = regular_type(
    "aws:route53/healthCheck:HealthCheck",
    "route53",
    "HealthCheck",
    "HealthCheckId",
    id="HealthCheck.Id",
    description="HealthCheck.HealthCheckConfig",
    tagging=tagging(
        "change_tags_for_resource change_tags_for_resource list_tags_for_resource",
        "ResourceTagSet.Tags",
        ResourceType=Text("healthcheck"),
        ResourceId="id",
    ),
    constants={"CallerReference": lambda: uuid.uuid4().hex},
    renames={key: f"HealthCheckConfig.{member}" for key, member in _CONFIG.items()},
    attributes={**_CONFIG, "arn": template("arn:aws:route53:::healthcheck/{id}")},
    # The emulator reports neither.
    write_only="insufficientDataHealthStatus routingControlArn",
    update=call("update_health_check", HealthCheckId="id"),
    update_renames=_CONFIG,
    # The emulator forgets regions that a change does not name.
    replaces_all=True,
    update_omits="measureLatency requestInterval routingControlArn type",
    replace="measureLatency requestInterval routingControlArn type",
    defaults={"disabled": False},
    provider_only="cloudwatchAlarmName cloudwatchAlarmRegion referenceName triggers",
    absent_outputs="childHealthThreshold childHealthchecks cloudwatchAlarmName cloudwatchAlarmRegion "
    "insufficientDataHealthStatus ipAddress referenceName routingControlArn searchString triggers",
    rules={
        "fqdn": rules.domain_name,
        "requestInterval": rules.one_of("10", "30"),
        "resourcePath": rules.matches(r"/.{0,254}", "a path of at most 255 characters"),
    },
    validate=_health_check_rules,
)

TYPES = (_ZONE, _RECORD, _QUERY_LOG, _KEY_SIGNING_KEY, _DNSSEC, _HEALTH_CHECK)
