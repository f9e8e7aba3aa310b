"""IAM."""

from collections.abc import Iterable

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, ResourceType, call, template
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import described, exclusive, pick, regular_type, tagging

_LONGEST_TRUST = 2048
_LONGEST_INLINE_POLICY = 10240
_LONGEST_MANAGED_POLICY = 6144
"""IAM's quotas, in characters. The one for trust can be raised; the one for inline policies is for all of a role."""


def _amend_role(api: Api, live: Live) -> None:
    state = live.state
    changed = {"Description": state.get("description") or "", "MaxSessionDuration": state["maxSessionDuration"]}
    api("update_role", RoleName=live.id, **changed)
    api("update_assume_role_policy", RoleName=live.id, PolicyDocument=state["assumeRolePolicy"])
    if state.get("permissionsBoundary"):
        api("put_role_permissions_boundary", RoleName=live.id, PermissionsBoundary=state["permissionsBoundary"])
    else:
        api("delete_role_permissions_boundary", RoleName=live.id)


_ROLE = regular_type(
    "aws:iam/role:Role",
    "iam",
    "Role",
    "RoleName",
    parameter_prefix="Role",
    tagging=tagging("tag_role untag_role", RoleName="id"),
    renames={"assumeRolePolicy": "AssumeRolePolicyDocument"},
    attributes={"uniqueId": "RoleId", "permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn"},
    # Policies are resources of their own; listed here they would change right after creation.
    absent_outputs="inlinePolicies managedPolicyArns",
    custom_update=_amend_role,
    custom_update_inputs="assumeRolePolicy description maxSessionDuration permissionsBoundary",
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
    id=template("{role}:{name}"),
    renames={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
    read=call("get_role_policy", RoleName="role", PolicyName="name"),
    replaces_all=True,
    delete=call("delete_role_policy", RoleName="role", PolicyName="name"),
    replace="name namePrefix role",
    autoname=Autoname("name", longest=128),
    rules={"policy": rules.policy_document_within(_LONGEST_INLINE_POLICY)},
    references={"role": references.ROLE},
)


_ROLE_POLICY_ATTACHMENT = ResourceType(
    token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    create="attach_role_policy",
    id=template("{role}-{policyArn}"),
    renames={"role": "RoleName"},
    read=pick(call("list_attached_role_policies", RoleName="role"), "AttachedPolicies", PolicyArn="policyArn"),
    write_only="role",
    delete=call("detach_role_policy", RoleName="role", PolicyArn="policyArn"),
    replace="role policyArn",
    rules={"policyArn": rules.arn},
    references={"role": references.ROLE, "policyArn": references.POLICY},
)


def _profile_role(inputs: Inputs, identifier: str) -> Iterable[Request]:
    if inputs.get("role"):
        yield Request("add_role_to_instance_profile", {"InstanceProfileName": identifier, "RoleName": inputs["role"]})


def _empty_profile(api: Api, live: Live) -> None:
    """A profile has one role at most, and must have none when it is deleted."""
    profile = api("get_instance_profile", InstanceProfileName=live.id)["InstanceProfile"]
    for role in profile["Roles"]:
        api("remove_role_from_instance_profile", InstanceProfileName=live.id, RoleName=role["RoleName"])


_INSTANCE_PROFILE = regular_type(
    "aws:iam/instanceProfile:InstanceProfile",
    "iam",
    "InstanceProfile",
    "InstanceProfileName",
    parameter_prefix="InstanceProfile",
    tagging=tagging("tag_instance_profile untag_instance_profile", InstanceProfileName="id"),
    attributes={"uniqueId": "InstanceProfileId", "role": "Roles[0].RoleName"},
    before_delete=_empty_profile,
    replace="name namePrefix path",
    autoname=Autoname("name", longest=128),
    defaults={"path": "/"},
    features=(Feature("role", _profile_role, clear=_empty_profile, replaces_all=True),),
    references={"role": references.ROLE},
)


_ROLE_POLICIES_EXCLUSIVE = exclusive(
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
    "iam",
    "roleName",
    call("list_role_policies", RoleName="id"),
    {"policyNames": ("PolicyNames", call("delete_role_policy", RoleName="id", PolicyName="one"))},
    references={"roleName": references.ROLE},
)
_ROLE_POLICY_ATTACHMENTS_EXCLUSIVE = exclusive(
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    "iam",
    "roleName",
    call("list_attached_role_policies", RoleName="id"),
    {"policyArns": ("AttachedPolicies[].PolicyArn", call("detach_role_policy", RoleName="id", PolicyArn="one"))},
    rules={"policyArns": rules.arn},
    references={"roleName": references.ROLE},
)


def _delete_other_versions(api: Api, live: Live) -> None:
    for version in api("list_policy_versions", PolicyArn=live.id)["Versions"]:
        if not version["IsDefaultVersion"]:
            api("delete_policy_version", PolicyArn=live.id, VersionId=version["VersionId"])


def _amend_policy(api: Api, live: Live) -> None:
    """A policy has five versions at most, so the ones before go first."""
    _delete_other_versions(api, live)
    api("create_policy_version", PolicyArn=live.id, PolicyDocument=live.state["policy"], SetAsDefault=True)


_POLICY = regular_type(
    "aws:iam/policy:Policy",
    "iam",
    "Policy",
    "PolicyArn",
    parameter_prefix="Policy",
    id="Policy.Arn",
    tagging=tagging("tag_policy untag_policy", PolicyArn="id"),
    renames={"policy": "PolicyDocument"},
    read=described(
        call("get_policy", PolicyArn="id"),
        "Policy",
        Document=(call("get_policy_version", PolicyArn="id", VersionId="DefaultVersionId"), "PolicyVersion.Document"),
    ),
    attributes={"policy": "Document"},
    # The number of roles that have it changes without a change of the policy.
    absent_outputs="attachmentCount",
    write_only="description",
    custom_update=_amend_policy,
    custom_update_inputs="policy",
    before_delete=_delete_other_versions,
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
    tagging=tagging("tag_open_id_connect_provider untag_open_id_connect_provider", OpenIDConnectProviderArn="id"),
    renames={"clientIdLists": "ClientIDList", "thumbprintLists": "ThumbprintList"},
    read=call("get_open_id_connect_provider", OpenIDConnectProviderArn="id"),
    attributes={"arn": lambda live: live.id, "url": lambda live: live.state["url"]},
    # AWS has GitHub's certificates itself and reports none; an address is reported without its scheme.
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
