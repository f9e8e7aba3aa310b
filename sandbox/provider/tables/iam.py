"""IAM."""

from collections.abc import Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, ResourceType, Tagging, call
from sandbox.provider.tables import references, rules

_LONGEST_TRUST = 2048
_LONGEST_INLINE_POLICY = 10240
_LONGEST_MANAGED_POLICY = 6144
"""IAM's quotas, in characters. The one for trust can be raised; the one for inline policies holds for all of a role."""


def _amend_role(api: Api, live: Live) -> None:
    state = live.state
    api(
        "update_role",
        RoleName=live.id,
        Description=state.get("description") or "",
        MaxSessionDuration=state["maxSessionDuration"],
    )
    api("update_assume_role_policy", RoleName=live.id, PolicyDocument=state["assumeRolePolicy"])
    if state.get("permissionsBoundary"):
        api("put_role_permissions_boundary", RoleName=live.id, PermissionsBoundary=state["permissionsBoundary"])
    else:
        api("delete_role_permissions_boundary", RoleName=live.id)


_ROLE = ResourceType(
    token="aws:iam/role:Role",
    service="iam",
    create="create_role",
    parameter_prefix="Role",
    id="Role.RoleName",
    tagging=Tagging(call("tag_role", RoleName="id"), call("untag_role", RoleName="id")),
    renames={"assumeRolePolicy": "AssumeRolePolicyDocument"},
    read=call("get_role", RoleName="id"),
    description="Role",
    attributes={"uniqueId": "RoleId", "permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn"},
    # Policies are resources of their own; listed here they would change right after creation.
    absent_outputs="inlinePolicies managedPolicyArns",
    custom_update=_amend_role,
    custom_update_inputs="assumeRolePolicy description maxSessionDuration permissionsBoundary",
    delete=call("delete_role", RoleName="id"),
    replace="name namePrefix path",
    autoname=Autoname("name", longest=64),
    defaults={"maxSessionDuration": 3600, "path": "/", "forceDetachPolicies": False},
    provider_only="forceDetachPolicies",
    rules={"assumeRolePolicy": rules.policy_document_within(_LONGEST_TRUST), "permissionsBoundary": rules.arn},
    references={"permissionsBoundary": references.POLICY},
)

_ROLE_POLICY = ResourceType(
    token="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    create="put_role_policy",
    id=lambda live: f"{live.state['role']}:{live.state['name']}",
    renames={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
    read=call("get_role_policy", RoleName="role", PolicyName="name"),
    replaces_all=True,
    delete=call("delete_role_policy", RoleName="role", PolicyName="name"),
    replace="name namePrefix role",
    autoname=Autoname("name", longest=128),
    rules={"policy": rules.policy_document_within(_LONGEST_INLINE_POLICY)},
    references={"role": references.ROLE},
)


def _read_attachment(api: Api, live: Live) -> Mapping[str, Any] | None:
    attached = api("list_attached_role_policies", RoleName=live.state["role"])["AttachedPolicies"]
    return next((one for one in attached if one["PolicyArn"] == live.state["policyArn"]), None)


_ROLE_POLICY_ATTACHMENT = ResourceType(
    token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    create="attach_role_policy",
    id=lambda live: f"{live.state['role']}-{live.state['policyArn']}",
    renames={"role": "RoleName"},
    read=_read_attachment,
    write_only="role",
    delete=call("detach_role_policy", RoleName="role", PolicyArn="policyArn"),
    replace="role policyArn",
    rules={"policyArn": rules.arn},
    references={"role": references.ROLE, "policyArn": references.POLICY},
)


def _profile_role(inputs: Inputs, identifier: str) -> list[Request]:
    if not inputs.get("role"):
        return []
    return [Request("add_role_to_instance_profile", {"InstanceProfileName": identifier, "RoleName": inputs["role"]})]


def _empty_profile(api: Api, live: Live) -> None:
    """A profile holds one role at most, and must hold none when it is deleted."""
    profile = api("get_instance_profile", InstanceProfileName=live.id)["InstanceProfile"]
    for role in profile["Roles"]:
        api("remove_role_from_instance_profile", InstanceProfileName=live.id, RoleName=role["RoleName"])


def _set_profile_role(api: Api, live: Live) -> None:
    _empty_profile(api, live)
    for request in _profile_role(live.state, live.id):
        api(request.operation, **request.parameters)


def _delete_profile(api: Api, live: Live) -> None:
    _empty_profile(api, live)
    api("delete_instance_profile", InstanceProfileName=live.id)


_INSTANCE_PROFILE = ResourceType(
    token="aws:iam/instanceProfile:InstanceProfile",
    service="iam",
    create="create_instance_profile",
    parameter_prefix="InstanceProfile",
    id="InstanceProfile.InstanceProfileName",
    tagging=Tagging(
        call("tag_instance_profile", InstanceProfileName="id"), call("untag_instance_profile", InstanceProfileName="id")
    ),
    read=call("get_instance_profile", InstanceProfileName="id"),
    description="InstanceProfile",
    attributes={"uniqueId": "InstanceProfileId", "role": "Roles[0].RoleName"},
    delete=_delete_profile,
    replace="name namePrefix path",
    autoname=Autoname("name", longest=128),
    defaults={"path": "/"},
    features=(Feature(inputs="role", requests=_profile_role, apply=_set_profile_role, replaces_all=True),),
    references={"role": references.ROLE},
)


def _keep_only_policies(api: Api, live: Live) -> str:
    role = live.state["roleName"]
    for name in api("list_role_policies", RoleName=role)["PolicyNames"]:
        if name not in live.state["policyNames"]:
            api("delete_role_policy", RoleName=role, PolicyName=name)
    return str(role)


_ROLE_POLICIES_EXCLUSIVE = ResourceType(
    token="aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
    service="iam",
    custom_create=_keep_only_policies,
    custom_update=_keep_only_policies,
    custom_create_inputs="roleName policyNames",
    read=call("list_role_policies", RoleName="id"),
    write_only="roleName",
    replace="roleName",
    references={"roleName": references.ROLE},
)


def _keep_only_attachments(api: Api, live: Live) -> str:
    role = live.state["roleName"]
    for policy in api("list_attached_role_policies", RoleName=role)["AttachedPolicies"]:
        if policy["PolicyArn"] not in live.state["policyArns"]:
            api("detach_role_policy", RoleName=role, PolicyArn=policy["PolicyArn"])
    return str(role)


_ROLE_POLICY_ATTACHMENTS_EXCLUSIVE = ResourceType(
    token="aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    service="iam",
    custom_create=_keep_only_attachments,
    custom_update=_keep_only_attachments,
    custom_create_inputs="roleName policyArns",
    read=call("list_attached_role_policies", RoleName="id"),
    attributes={"policyArns": "AttachedPolicies[].PolicyArn"},
    write_only="roleName",
    replace="roleName",
    rules={"policyArns": rules.arn},
    references={"roleName": references.ROLE},
)


def _read_policy(api: Api, live: Live) -> Mapping[str, Any]:
    policy = api("get_policy", PolicyArn=live.id)["Policy"]
    version = api("get_policy_version", PolicyArn=live.id, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    return {**policy, "Document": version["Document"]}


def _delete_other_versions(api: Api, live: Live) -> None:
    for version in api("list_policy_versions", PolicyArn=live.id)["Versions"]:
        if not version["IsDefaultVersion"]:
            api("delete_policy_version", PolicyArn=live.id, VersionId=version["VersionId"])


def _amend_policy(api: Api, live: Live) -> None:
    """A policy has five versions at most, so the ones before go first."""
    _delete_other_versions(api, live)
    api("create_policy_version", PolicyArn=live.id, PolicyDocument=live.state["policy"], SetAsDefault=True)


def _delete_policy(api: Api, live: Live) -> None:
    _delete_other_versions(api, live)
    api("delete_policy", PolicyArn=live.id)


_POLICY = ResourceType(
    token="aws:iam/policy:Policy",
    service="iam",
    create="create_policy",
    parameter_prefix="Policy",
    id="Policy.Arn",
    tagging=Tagging(call("tag_policy", PolicyArn="id"), call("untag_policy", PolicyArn="id")),
    renames={"policy": "PolicyDocument"},
    read=_read_policy,
    attributes={"policy": "Document"},
    # How many roles have it changes without anybody touching the policy.
    absent_outputs="attachmentCount",
    write_only="description",
    custom_update=_amend_policy,
    custom_update_inputs="policy",
    delete=_delete_policy,
    replace="description name namePrefix path",
    autoname=Autoname("name", longest=128),
    defaults={"path": "/"},
    provider_only="delayAfterPolicyCreationInMs",
    rules={"policy": rules.policy_document_within(_LONGEST_MANAGED_POLICY)},
)


_OPEN_ID_CONNECT_PROVIDER = ResourceType(
    token="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    service="iam",
    create="create_open_id_connect_provider",
    id="OpenIDConnectProviderArn",
    tagging=Tagging(
        call("tag_open_id_connect_provider", OpenIDConnectProviderArn="id"),
        call("untag_open_id_connect_provider", OpenIDConnectProviderArn="id"),
    ),
    renames={"clientIdLists": "ClientIDList", "thumbprintLists": "ThumbprintList"},
    read=call("get_open_id_connect_provider", OpenIDConnectProviderArn="id"),
    attributes={"arn": lambda live: live.id, "url": lambda live: live.state["url"]},
    # AWS knows GitHub's certificates itself and reports none; an address is told without its scheme.
    absent_outputs="thumbprintLists",
    # One call for each client, which the emulator lacks.
    update=call("add_client_id_to_open_id_connect_provider", OpenIDConnectProviderArn="id"),
    update_renames={"clientIdLists": "ClientID"},
    update_stored_only="clientIdLists",
    delete=call("delete_open_id_connect_provider", OpenIDConnectProviderArn="id"),
    replace="url",
    rules={"url": rules.https_url},
)


TYPES = (
    _ROLE,
    _POLICY,
    _OPEN_ID_CONNECT_PROVIDER,
    _ROLE_POLICY,
    _ROLE_POLICY_ATTACHMENT,
    _INSTANCE_PROFILE,
    _ROLE_POLICIES_EXCLUSIVE,
    _ROLE_POLICY_ATTACHMENTS_EXCLUSIVE,
)
