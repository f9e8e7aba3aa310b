"""CloudFront: distributions, the access to their origins, and the policies of their behaviors.

A distribution is read and written as a whole, under a tag of its version (`ETag`).
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.provider import mapping, requests, schema
from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Inputs, Live, Reference, ResourceType, call, constant, template
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import constants, recorded_uuid, required, tagging, under
from sandbox.provider.values import UNKNOWN

_HOSTED_ZONE = "Z2FDTNDATAQYW2"
"""Of every distribution, from AWS's table of endpoints."""
_MANAGED = frozenset(
    {
        "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "4135ea2d-6df8-44a3-a4ae-9e97ea5aad97",
        "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
        "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
    }
)
"""Ids of AWS's own cache policies: CachingOptimized, CachingDisabled, UseOriginCacheControlHeaders and
CachingOptimizedForUncompressedObjects."""
_MANAGED_HEADERS = frozenset({"67f7725c-6f97-4210-82d7-5512b31e9d03", "60669652-455b-4ae9-85a4-c4c02393f86c"})
"""Ids of AWS's own response headers policies: SecurityHeadersPolicy and SimpleCORS."""


def _recorded_id(kind: str) -> Callable[[Live], str]:
    """A UUID that follows from the name, of which an account has each once."""
    made = recorded_uuid(kind, "name")
    return lambda live: str(made(live))


_CACHE_POLICY = ResourceType(
    token="aws:cloudfront/cachePolicy:CachePolicy",
    service="cloudfront",
    create="create_cache_policy",
    id=_recorded_id("cache-policy"),
    renames=under(
        "CachePolicyConfig",
        "comment name parametersInCacheKeyAndForwardedToOrigin",
    )
    | {"defaultTtl": "CachePolicyConfig.DefaultTTL", "maxTtl": "CachePolicyConfig.MaxTTL"}
    | {"minTtl": "CachePolicyConfig.MinTTL"},
    attributes={"arn": template("arn:aws:cloudfront::{account}:cache-policy/{id}"), "etag": constant("recorded")},
    autoname=Autoname("name", longest=128),
    defaults={"defaultTtl": 86400, "maxTtl": 31536000, "minTtl": 0},
    stored_only=True,
)

_HEADERS_POLICY = ResourceType(
    token="aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
    service="cloudfront",
    create="create_response_headers_policy",
    id=_recorded_id("response-headers-policy"),
    renames=under(
        "ResponseHeadersPolicyConfig",
        "comment name corsConfig customHeadersConfig removeHeadersConfig securityHeadersConfig "
        "serverTimingHeadersConfig",
    ),
    attributes={
        "arn": template("arn:aws:cloudfront::{account}:response-headers-policy/{id}"),
        "etag": constant("recorded"),
    },
    autoname=Autoname("name", longest=128),
    stored_only=True,
)

_ACCESS_INPUTS = "description name originAccessControlOriginType signingBehavior signingProtocol"

_ORIGIN_ACCESS = ResourceType(
    token="aws:cloudfront/originAccessControl:OriginAccessControl",
    service="cloudfront",
    create="create_origin_access_control",
    id="OriginAccessControl.Id",
    renames=under("OriginAccessControlConfig", _ACCESS_INPUTS),
    read=call("get_origin_access_control", Id="id"),
    attributes={
        **under("OriginAccessControl.OriginAccessControlConfig", _ACCESS_INPUTS),
        "arn": template("arn:aws:cloudfront::{account}:origin-access-control/{id}"),
        "etag": "ETag",
    },
    update=call("update_origin_access_control", Id="id", IfMatch="etag"),
    replaces_all=True,
    recomputed="etag",
    delete=call("delete_origin_access_control", Id="id", IfMatch="etag"),
    autoname=Autoname("name", longest=64),
    defaults={"description": "Managed by Pulumi"},
)

_RENAMES = {
    "loggingConfig": "Logging",
    "orderedCacheBehaviors": "CacheBehaviors",
    "*.cachedMethods": "AllowedMethods.CachedMethods",
    "*.originId": "Id",
    "origins.customHeaders.name": "HeaderName",
    "origins.customHeaders.value": "HeaderValue",
    "*.lambdaArn": "LambdaFunctionARN",
    "restrictions.geoRestriction.locations": "Items",
}
_NOT_CONFIGURATION = ("region", "tags", "retainOnDelete", "waitForDeployment")
_CONFIGURATION = (
    "aliases anycastIpListId cacheTagConfig comment connectionFunctionAssociation continuousDeploymentPolicyId "
    "customErrorResponses defaultCacheBehavior defaultRootObject enabled httpVersion isIpv6Enabled loggingConfig "
    "orderedCacheBehaviors originGroups origins priceClass restrictions staging viewerCertificate viewerMtlsConfig "
    "webAclId"
)


def _behavior(value: Any) -> Any:
    """The methods in the API's order: those that are cached are a part of those that are allowed."""
    if not isinstance(value, Mapping):
        return value
    first = {key: value[key] for key in ("allowedMethods",) if key in value}
    return {**first, **value}


def _prepared(inputs: Inputs) -> dict[str, Any]:
    """What the provider sends besides what the program says."""
    chosen = {key: value for key, value in inputs.items() if key in _CONFIGURATION.split() and value is not None}
    chosen["defaultCacheBehavior"] = _behavior(chosen.get("defaultCacheBehavior"))
    if isinstance(chosen.get("orderedCacheBehaviors"), list):
        chosen["orderedCacheBehaviors"] = [_behavior(one) for one in chosen["orderedCacheBehaviors"]]
    if isinstance(chosen.get("origins"), list):
        chosen["origins"] = [_origin(one) for one in chosen["origins"]]
    restriction = (chosen.get("restrictions") or {}).get("geoRestriction")
    if isinstance(restriction, Mapping) and "locations" not in restriction:
        chosen["restrictions"] = {"geoRestriction": {**restriction, "locations": []}}
    return chosen


def _origin(value: Any) -> Any:
    """An origin without a configuration of its own is a bucket."""
    kinds = ("s3OriginConfig", "customOriginConfig", "vpcOriginConfig")
    if not isinstance(value, Mapping) or any(value.get(kind) for kind in kinds):
        return value
    return {**value, "s3OriginConfig": {"originAccessIdentity": ""}}


def _mapped(inputs: Inputs) -> mapping.Mapped:
    shape = mapping.service("cloudfront").shape_for("DistributionConfig")
    return mapping.to_parameters(shape, _prepared(inputs), _RENAMES)


def _validate(inputs: Inputs) -> Iterator[CheckFailure]:
    mapped = _mapped(inputs)
    mapped.parameters.setdefault("CallerReference", UNKNOWN)
    shape = mapping.service("cloudfront").shape_for("DistributionConfig")
    yield from requests.shape_failures(mapped, shape, dict(inputs), "DistributionConfig")
    yield from required({"comment": "CloudFront asks for a comment, which may be empty"})(inputs)
    origins = inputs.get("origins")
    known = {one.get("originId") for one in origins or [] if isinstance(one, Mapping)}
    behaviors = [inputs.get("defaultCacheBehavior"), *(inputs.get("orderedCacheBehaviors") or [])]
    for behavior in behaviors:
        target = behavior.get("targetOriginId") if isinstance(behavior, Mapping) else UNKNOWN
        if target != UNKNOWN and UNKNOWN not in known and target not in known:
            yield CheckFailure("origins", f"has no origin {target}, to which a cache behavior leads")


def _own_inputs(live: Live) -> dict[str, Any]:
    declared = schema.resource(_DISTRIBUTION.token)
    return {key: live.state[key] for key in declared.inputs if key in live.state} if declared else {}


def _refuse_second_alias(api: Api, live: Live) -> None:
    """A domain leads to one distribution, of all accounts (CNAMEAlreadyExists)."""
    wanted = set(live.state.get("aliases") or [])
    for other in api("list_distributions").get("DistributionList", {}).get("Items", []):
        taken = wanted & set(other.get("Aliases", {}).get("Items", []))
        if taken and other["Id"] != live.id:
            raise ProviderError(f"the distribution {other['Id']} already has the alias {sorted(taken)[0]}")


def _create(api: Api, live: Live) -> str:
    config = {**_mapped(_own_inputs(live)).parameters, "CallerReference": uuid.uuid4().hex}
    created: str = api("create_distribution", DistributionConfig=config)["Distribution"]["Id"]
    return created


def _write(api: Api, identifier: str, change: Mapping[str, Any]) -> None:
    current = api("get_distribution_config", Id=identifier)
    config = {**change, "CallerReference": current["DistributionConfig"]["CallerReference"]}
    api("update_distribution", Id=identifier, IfMatch=current["ETag"], DistributionConfig=config)


def _amend(api: Api, live: Live) -> None:
    _refuse_second_alias(api, live)
    _write(api, live.id, _mapped(_own_inputs(live)).parameters)


def _read(api: Api, live: Live) -> Mapping[str, Any]:
    found = api("get_distribution", Id=live.id)["Distribution"]
    config = found["DistributionConfig"]
    inputs = _own_inputs(live)
    if inputs:
        config = _as_sent(config, _mapped(inputs).parameters)
    return {**found, **config, "CallerReference": found["DistributionConfig"]["CallerReference"]}


def _as_sent(found: Any, sent: Any) -> Any:
    """What is found of what was sent. CloudFront adds what it does by default; the emulator forgets some members, which
    are then as they were sent."""
    if isinstance(sent, Mapping) and isinstance(found, Mapping):
        kept = {
            key: _as_sent(found[key], value) if found.get(key) is not None else value for key, value in sent.items()
        }
        return {**kept, "Quantity": len(kept["Items"])} if "Items" in kept else kept
    if isinstance(sent, list) and isinstance(found, list) and len(sent) == len(found):
        return [_as_sent(one, other) for one, other in zip(found, sent, strict=True)]
    return found


def _delete(api: Api, live: Live) -> None:
    """CloudFront deletes only what is switched off."""
    current = api("get_distribution_config", Id=live.id)
    config = {**_mapped(_own_inputs(live)).parameters, "Enabled": False}
    _write(api, live.id, config)
    api("delete_distribution", Id=live.id, IfMatch=current["ETag"])


def _set_tags(api: Api, identifier: str, tags: Mapping[str, str]) -> None:
    arn = f"arn:aws:cloudfront::{api.emulator.account_id}:distribution/{identifier}"
    present = {one["Key"] for one in api("list_tags_for_resource", Resource=arn)["Tags"].get("Items", [])}
    gone = sorted(present - tags.keys())
    if gone:
        api("untag_resource", Resource=arn, TagKeys={"Items": gone})
    if tags:
        items = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
        api("tag_resource", Resource=arn, Tags={"Items": items})


def _one_of_ours(service_kind: str, managed: frozenset[str], token: str) -> Reference:
    return Reference(service_kind, lambda api, value: value in managed, token)


_CACHE_POLICIES = _one_of_ours("cache policy", _MANAGED, _CACHE_POLICY.token)
_HEADERS_POLICIES = _one_of_ours("response headers policy", _MANAGED_HEADERS, _HEADERS_POLICY.token)
_BEHAVIORS = ("defaultCacheBehavior", "orderedCacheBehaviors")


def _web_acl(value: str) -> str | None:
    """An ARN, or an id of the service's older version."""
    if value.startswith("arn:") and not re.fullmatch(r"arn:aws:wafv2:us-east-1:\d{12}:global/webacl/.+", value):
        return "must be the ARN of a web ACL of scope CLOUDFRONT, in us-east-1"
    return None


_DISTRIBUTION = ResourceType(
    token="aws:cloudfront/distribution:Distribution",
    service="cloudfront",
    before_create=_refuse_second_alias,
    custom_create=_create,
    custom_create_inputs=_CONFIGURATION,
    custom_update=_amend,
    tagging=tagging(
        "tag_resource untag_resource list_tags_for_resource", "Tags.Items", replace_all=_set_tags, Resource="arn"
    ),
    read=_read,
    renames=_RENAMES,
    attributes={
        "arn": "ARN",
        "domainName": "DomainName",
        "callerReference": "CallerReference",
        "lastModifiedTime": lambda live: str(live.description["LastModifiedTime"]),
        "hostedZoneId": constant(_HOSTED_ZONE),
        # CloudFront takes minutes to deploy a change; the state must not depend on when it is read.
        **constants(
            status="Deployed", etag="held-by-the-emulator", inProgressValidationBatches=0, loggingV1Enabled=False
        ),
    },
    absent_outputs="trustedKeyGroups trustedSigners anycastIpListId continuousDeploymentPolicyId",
    delete=_delete,
    delete_unless="retainOnDelete",
    replace="staging",
    defaults={
        "httpVersion": "http2",
        "priceClass": "PriceClass_All",
        "retainOnDelete": False,
        "staging": False,
        "waitForDeployment": True,
    },
    provider_only="retainOnDelete waitForDeployment",
    ordered="orderedCacheBehaviors",
    rules={
        "viewerCertificate.acmCertificateArn": rules.matches(
            r"arn:aws:acm:us-east-1:\d{12}:certificate/.+", "the ARN of a certificate in us-east-1"
        ),
        "webAclId": _web_acl,
    },
    references={
        "viewerCertificate.acmCertificateArn": references.CERTIFICATE,
        "webAclId": references.WEB_ACL,
        "origins.originAccessControlId": references.ORIGIN_ACCESS_CONTROL,
        **{f"{one}.cachePolicyId": _CACHE_POLICIES for one in _BEHAVIORS},
        **{f"{one}.responseHeadersPolicyId": _HEADERS_POLICIES for one in _BEHAVIORS},
    },
    validate=_validate,
)

TYPES = (_DISTRIBUTION, _ORIGIN_ACCESS, _CACHE_POLICY, _HEADERS_POLICY)
