"""Functions of the aws package (`aws.get_caller_identity()`): the few that a program of this kind asks for."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.provider import mapping, schema
from sandbox.provider.emulator import Api, Emulator
from sandbox.provider.resource_provider import ProviderConfiguration, ProviderError
from sandbox.provider.schema import CheckFailure
from sandbox.provider.values import Properties

_ENDPOINT_SUFFIX = "amazonaws.com"


def invoke(
    token: str, arguments: Properties, emulator: Emulator, configuration: ProviderConfiguration
) -> tuple[Properties, list[CheckFailure]]:
    """The function's result, or what is wrong with its arguments; raises ApiError or ProviderError."""
    declared = schema.function_arguments(token)
    if declared is None or token not in _FUNCTIONS:
        return {}, [CheckFailure("", f"the sandbox does not support the function {token}")]
    failures = list(schema.check_properties(declared, arguments, ""))
    if failures:
        return {}, failures
    region = str(arguments.get("region") or configuration.region)
    return _FUNCTIONS[token](emulator.api("ec2", region), arguments), []


def _availability_zones(api: Api, arguments: Properties) -> Properties:
    zones = api("describe_availability_zones", Filters=_filters(arguments.get("filters")))["AvailabilityZones"]
    state = arguments.get("state")
    excluded = {*arguments.get("excludeNames", []), *arguments.get("excludeZoneIds", [])}
    chosen = [
        zone
        for zone in zones
        if (state is None or zone["State"] == state) and not {zone["ZoneName"], zone["ZoneId"]} & excluded
    ]
    return {
        "id": api.region,
        "region": api.region,
        "names": [zone["ZoneName"] for zone in chosen],
        "zoneIds": [zone["ZoneId"] for zone in chosen],
        "groupNames": sorted({zone.get("GroupName", api.region) for zone in chosen}),
        **arguments,
    }


def _caller_identity(api: Api, arguments: Properties) -> Properties:
    identity = api.of("sts")("get_caller_identity")
    account = identity["Account"]
    return {"id": account, "accountId": account, "arn": identity["Arn"], "userId": identity["UserId"]}


def _region(api: Api, arguments: Properties) -> Properties:
    """The description is the region's place in brackets in AWS; here it is the name, which no program should parse."""
    return {
        "id": api.region,
        "name": api.region,
        "region": api.region,
        "description": api.region,
        "endpoint": f"ec2.{api.region}.{_ENDPOINT_SUFFIX}",
    }


def _partition(api: Api, arguments: Properties) -> Properties:
    return {"id": "aws", "partition": "aws", "dnsSuffix": _ENDPOINT_SUFFIX, "reverseDnsPrefix": "com.amazonaws"}


def _hosted_zone(api: Api, arguments: Properties) -> Properties:
    route53 = api.of("route53")
    wanted_name = str(arguments.get("name", "")).rstrip(".")
    wanted_id = arguments.get("zoneId")
    private = bool(arguments.get("privateZone", False))
    found = [
        zone
        for zone in route53("list_hosted_zones")["HostedZones"]
        if wanted_id in (None, zone["Id"].split("/")[-1])
        and wanted_name in ("", zone["Name"].rstrip("."))
        and (wanted_id is not None or zone["Config"].get("PrivateZone", False) == private)
    ]
    zone = _only(found, f"hosted zone {wanted_id or wanted_name}")
    identifier = zone["Id"].split("/")[-1]
    details = route53("get_hosted_zone", Id=identifier)
    tags = route53("list_tags_for_resource", ResourceType="hostedzone", ResourceId=identifier)["ResourceTagSet"]["Tags"]
    return {
        "id": identifier,
        "zoneId": identifier,
        "arn": f"arn:aws:route53:::hostedzone/{identifier}",
        "name": zone["Name"].rstrip("."),
        "callerReference": zone["CallerReference"],
        "comment": zone["Config"].get("Comment", ""),
        "privateZone": zone["Config"].get("PrivateZone", False),
        "resourceRecordSetCount": zone["ResourceRecordSetCount"],
        "nameServers": details.get("DelegationSet", {}).get("NameServers", []),
        "primaryNameServer": next(iter(details.get("DelegationSet", {}).get("NameServers", [])), ""),
        "linkedServicePrincipal": "",
        "linkedServiceDescription": "",
        "enableAcceleratedRecovery": False,
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }


def _parameter(api: Api, arguments: Properties) -> Properties:
    decrypt = arguments.get("withDecryption", True)
    found = api.of("ssm")("get_parameter", Name=arguments["name"], WithDecryption=decrypt)["Parameter"]
    secret = found["Type"] == "SecureString"
    return {
        "id": found["Name"],
        "name": found["Name"],
        "arn": found["ARN"],
        "type": found["Type"],
        "value": found["Value"],
        "insecureValue": "" if secret else found["Value"],
        "version": found["Version"],
        "region": api.region,
        "withDecryption": decrypt,
    }


def _policy_document(api: Api, arguments: Properties) -> Properties:
    """Statements keep their order; merged source documents come first and override documents last, by `Sid`."""
    statements = [
        *_document_statements(arguments.get("sourcePolicyDocuments")),
        *(_statement(statement) for statement in arguments.get("statements") or []),
    ]
    for override in _document_statements(arguments.get("overridePolicyDocuments")):
        same = [
            index for index, one in enumerate(statements) if override.get("Sid") and one.get("Sid") == override["Sid"]
        ]
        if same:
            statements[same[0]] = override
        else:
            statements.append(override)
    document = {"Version": arguments.get("version") or "2012-10-17"}
    if arguments.get("policyId"):
        document["Id"] = arguments["policyId"]
    text = json.dumps({**document, "Statement": statements}, indent=2)
    minified = json.dumps({**document, "Statement": statements}, separators=(",", ":"))
    identifier = str(int(hashlib.sha256(minified.encode()).hexdigest()[:8], 16))
    return {**arguments, "id": identifier, "json": text, "minifiedJson": minified}


def _document_statements(documents: list[str] | None) -> list[dict[str, Any]]:
    return [statement for text in documents or [] for statement in _as_list(json.loads(text).get("Statement", []))]


def _statement(given: Mapping[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": given["sid"]} if given.get("sid") else {}
    statement["Effect"] = given.get("effect") or "Allow"
    for key, member in (
        ("actions", "Action"),
        ("notActions", "NotAction"),
        ("resources", "Resource"),
        ("notResources", "NotResource"),
    ):
        if given.get(key):
            statement[member] = _single(given[key])
    for key, member in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if given.get(key):
            statement[member] = _principals(given[key])
    conditions: dict[str, dict[str, Any]] = {}
    for condition in given.get("conditions") or []:
        conditions.setdefault(condition["test"], {})[condition["variable"]] = _single(condition["values"])
    return {**statement, "Condition": conditions} if conditions else statement


def _principals(given: Iterable[Mapping[str, Any]]) -> Any:
    principals: dict[str, list[str]] = {}
    for principal in given:
        principals.setdefault(principal["type"], []).extend(principal["identifiers"])
    if principals == {"*": ["*"]}:
        return "*"
    return {kind: _single(identifiers) for kind, identifiers in principals.items()}


def _single(items: list[str]) -> Any:
    """AWS writes a list of one as that one; the provider sorts longer lists in reverse, here they keep their order."""
    return items[0] if len(items) == 1 else list(items)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _image(api: Api, arguments: Properties) -> Properties:
    images = api(
        "describe_images",
        **({"Owners": arguments["owners"]} if arguments.get("owners") else {}),
        Filters=_filters(arguments.get("filters")),
    )["Images"]
    if not images:
        raise ProviderError("no machine image matches: the emulator knows a selection of AWS's public images only")
    if len(images) > 1 and not arguments.get("mostRecent"):
        raise ProviderError(f"{len(images)} machine images match: set most_recent or narrow the filters")
    image = max(images, key=lambda one: one.get("CreationDate", ""))
    declared = (
        "architecture",
        "name",
        "ownerId",
        "imageType",
        "rootDeviceName",
        "rootDeviceType",
        "virtualizationType",
    )
    found = {key: mapping.find_member(image, key, key, {}) for key in declared}
    return {
        **arguments,
        **found,
        "id": image["ImageId"],
        "imageId": image["ImageId"],
        "arn": f"arn:aws:ec2:{api.region}::image/{image['ImageId']}",
        "creationDate": image.get("CreationDate", ""),
        "description": image.get("Description", ""),
        "state": image.get("State", ""),
        "public": image.get("Public", False),
        "region": api.region,
    }


def _prefix_list(api: Api, arguments: Properties) -> Properties:
    lists = [
        one
        for one in api("describe_managed_prefix_lists")["PrefixLists"]
        if arguments.get("name") in (None, one["PrefixListName"]) and arguments.get("id") in (None, one["PrefixListId"])
    ]
    found = _only(lists, f"managed prefix list {arguments.get('name') or arguments.get('id')}")
    return {
        "id": found["PrefixListId"],
        "name": found["PrefixListName"],
        "arn": found["PrefixListArn"],
        "addressFamily": found.get("AddressFamily", "IPv4"),
        "maxEntries": found.get("MaxEntries", 0),
        "ownerId": found.get("OwnerId", ""),
        "version": found.get("Version", 1),
        "entries": [],
        "tags": {},
        "region": api.region,
    }


def _filters(given: Iterable[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    return [{"Name": one["name"], "Values": one["values"]} for one in given or []]


def _only(found: list[Any], what: str) -> Any:
    if len(found) != 1:
        raise ProviderError(f"there is no {what}" if not found else f"there is more than one {what}")
    return found[0]


_FUNCTIONS: Mapping[str, Callable[[Api, Properties], Properties]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:route53/getZone:getZone": _hosted_zone,
    "aws:ssm/getParameter:getParameter": _parameter,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:ec2/getAmi:getAmi": _image,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
}
