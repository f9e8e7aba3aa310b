"""Auto Scaling groups and their policies."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api, ApiError
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, ResourceType, call, constant
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import capitals, uncapitals, without
from sandbox.provider.values import UNKNOWN


def _joined_subnets(inputs: Inputs) -> dict[str, Any]:
    """Auto Scaling accepts the subnets as one text."""
    subnets = inputs.get("vpcZoneIdentifiers")
    if isinstance(subnets, list):
        subnets = UNKNOWN if UNKNOWN in subnets else ",".join(subnets)
    return {**inputs, "vpcZoneIdentifiers": subnets}


def _tag(identifier: str, tag: Mapping[str, Any]) -> dict[str, Any]:
    return {"ResourceId": identifier, "ResourceType": "auto-scaling-group", **capitals(tag)}


def _tag_requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
    tags = inputs.get("tags")
    if isinstance(tags, list) and tags:
        yield Request("create_or_update_tags", {"Tags": [_tag(identifier, tag) for tag in tags]})


def _clear_tags(api: Api, live: Live) -> None:
    wanted = {tag["key"] for tag in live.state.get("tags") or []}
    tags = _group(api, live.id).get("Tags", [])
    gone = [without(tag, "Value", "PropagateAtLaunch") for tag in tags if tag["Key"] not in wanted]
    if gone:
        api("delete_tags", Tags=gone)


def _read_tags(api: Api, live: Live) -> Mapping[str, Any]:
    tags = (uncapitals(tag) for tag in live.description.get("Tags", []))
    return {"tags": [without(tag, "resourceId", "resourceType") for tag in tags]}


def _target_requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
    if inputs.get("targetGroupArns"):
        parameters = {"AutoScalingGroupName": identifier, "TargetGroupARNs": inputs["targetGroupArns"]}
        yield Request("attach_load_balancer_target_groups", parameters)


def _clear_targets(api: Api, live: Live) -> None:
    present, wanted = _group(api, live.id).get("TargetGroupARNs", []), live.state.get("targetGroupArns") or []
    gone = [arn for arn in present if arn not in wanted]
    if gone:
        api("detach_load_balancer_target_groups", AutoScalingGroupName=live.id, TargetGroupARNs=gone)


def _metrics(inputs: Inputs, identifier: str) -> Iterable[Request]:
    if inputs.get("enabledMetrics"):
        granularity = inputs.get("metricsGranularity", "1Minute")
        parameters = {"AutoScalingGroupName": identifier, "Granularity": granularity}
        yield Request("enable_metrics_collection", {**parameters, "Metrics": inputs["enabledMetrics"]})


def _refresh(inputs: Inputs, identifier: str) -> Iterable[Request]:
    """What a change of the launch template starts. The provider names no version, but for an automatic rollback."""
    refresh = inputs["instanceRefresh"]
    parameters = {"AutoScalingGroupName": identifier, "Strategy": refresh["strategy"]}
    preferences = refresh.get("preferences")
    if isinstance(preferences, Mapping):
        given: dict[str, Any] = {
            key: capitals(value) if isinstance(value, Mapping) else value for key, value in preferences.items()
        }
        numbers = [key for key in ("instanceWarmup", "checkpointDelay") if given.get(key, UNKNOWN) != UNKNOWN]
        parameters["Preferences"] = capitals({**given, **{key: int(given[key]) for key in numbers}})
    yield Request("start_instance_refresh", parameters)


def _nothing(_: Api, __: Live) -> None:
    """The settings of a refresh are the provider's own: they mean something when it starts one."""


def _start_refresh(api: Api, live: Live) -> None:
    """Start a refresh if what servers are started from has changed, instead of one that is under way."""
    previous, refresh = live.state.get("previous") or {}, live.state.get("instanceRefresh")
    if not refresh or all(live.state.get(key) == previous.get(key) for key in _triggers(refresh)):
        return
    [request] = _refresh(live.state, live.id)
    try:
        api(request.operation, **request.parameters)
    except ApiError as error:
        if error.code != "InstanceRefreshInProgress":
            raise
        api("cancel_instance_refresh", AutoScalingGroupName=live.id)
        api(request.operation, **request.parameters)


def _triggers(refresh: Mapping[str, Any]) -> Iterable[str]:
    return ("launchConfiguration", "launchTemplate", "mixedInstancesPolicy", *refresh.get("triggers", ()))


def _group(api: Api, name: str) -> dict[str, Any]:
    groups = api("describe_auto_scaling_groups", AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return dict(groups[0]) if groups else {}


def _group_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    low, high, wanted = (inputs.get(key) for key in ("minSize", "maxSize", "desiredCapacity"))
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield CheckFailure("minSize", f"must not exceed maxSize ({high}), is {low}")
    elif isinstance(wanted, int) and isinstance(low, int) and isinstance(high, int) and not low <= wanted <= high:
        yield CheckFailure("desiredCapacity", f"must be between minSize ({low}) and maxSize ({high}), is {wanted}")
    templates = [key for key in ("launchTemplate", "mixedInstancesPolicy", "launchConfiguration") if inputs.get(key)]
    if len(templates) != 1:
        yield CheckFailure("launchTemplate", "exactly one of launchTemplate and mixedInstancesPolicy must be given")


_GROUP = ResourceType(
    token="aws:autoscaling/group:Group",
    service="autoscaling",
    create="create_auto_scaling_group",
    id=lambda live: live.state["name"],
    parameter_prefix="AutoScalingGroup",
    tags_are_tags=False,
    prepare=_joined_subnets,
    renames={
        "launchTemplate.id": "LaunchTemplateId",
        "launchTemplate.name": "LaunchTemplateName",
        "initialLifecycleHooks": "LifecycleHookSpecificationList",
        "initialLifecycleHooks.name": "LifecycleHookName",
        "initialLifecycleHooks.roleArn": "RoleARN",
        "initialLifecycleHooks.notificationTargetArn": "NotificationTargetARN",
        "protectFromScaleIn": "NewInstancesProtectedFromScaleIn",
        "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification": "LaunchTemplateSpecification",
    },
    read=call("describe_auto_scaling_groups", AutoScalingGroupNames="id"),
    description="AutoScalingGroups[0]",
    attributes={
        "arn": "AutoScalingGroupARN",
        "vpcZoneIdentifiers": lambda live: [one for one in live.description["VPCZoneIdentifier"].split(",") if one],
        "predictedCapacity": constant(0),
        "warmPoolSize": constant(0),
    },
    absent_outputs="availabilityZoneDistribution capacityReservationSpecification instanceLifecyclePolicy "
    "launchTemplate loadBalancers mixedInstancesPolicy serviceLinkedRoleArn targetGroupArns trafficSources",
    # The emulator keeps these but does not report them.
    write_only="initialLifecycleHooks maxInstanceLifetime instanceMaintenancePolicy defaultInstanceWarmup "
    "availabilityZoneDistribution capacityRebalance enabledMetrics metricsGranularity instanceRefresh",
    update=call("update_auto_scaling_group", AutoScalingGroupName="id"),
    update_omits="initialLifecycleHooks",
    after_update=_start_refresh,
    delete=call("delete_auto_scaling_group", AutoScalingGroupName="id", ForceDelete=True),
    replace="name namePrefix initialLifecycleHooks",
    ordered="terminationPolicies",
    autoname=Autoname("name"),
    defaults={
        "forceDelete": False,
        "healthCheckGracePeriod": 300,
        "metricsGranularity": "1Minute",
        "waitForCapacityTimeout": "10m",
    },
    provider_only="forceDelete forceDeleteWarmPool ignoreFailedScalingActivities minElbCapacity waitForCapacityTimeout "
    "waitForElbCapacity",
    features=(
        Feature("tags", _tag_requests, clear=_clear_tags, read=_read_tags, replaces_all=True),
        Feature("targetGroupArns", _target_requests, clear=_clear_targets, replaces_all=True),
        Feature("enabledMetrics metricsGranularity", _metrics),
        Feature("instanceRefresh", _refresh, apply=_nothing, replaces_all=True),
    ),
    validate=_group_rules,
    rules={"healthCheckType": rules.one_of("EC2", "ELB", "EBS", "VPC_LATTICE")},
    references={
        "vpcZoneIdentifiers": references.SUBNET,
        "targetGroupArns": references.TARGET_GROUP,
        "launchTemplate.id": references.LAUNCH_TEMPLATE,
    },
)


_POLICY = ResourceType(
    token="aws:autoscaling/policy:Policy",
    service="autoscaling",
    create="put_scaling_policy",
    id=lambda live: live.state["name"],
    parameter_prefix="Policy",
    renames={"targetTrackingConfiguration.customizedMetricSpecification.metricDimensions": "Dimensions"},
    read=call("describe_policies", AutoScalingGroupName="autoscalingGroupName", PolicyNames="id"),
    description="ScalingPolicies[0]",
    attributes={"arn": "PolicyARN"},
    absent_outputs="metricAggregationType",
    replaces_all=True,
    delete=call("delete_policy", AutoScalingGroupName="autoscalingGroupName", PolicyName="id"),
    replace="name autoscalingGroupName",
    autoname=Autoname("name"),
    # The emulator reports neither.
    write_only="estimatedInstanceWarmup enabled",
    defaults={"policyType": "SimpleScaling", "enabled": True},
    references={"autoscalingGroupName": references.SCALING_GROUP},
)

TYPES = (_GROUP, _POLICY)
