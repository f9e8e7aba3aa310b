"""A function of AWS Lambda with its role and its log, and what calls it or something else at set times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared import iam
from components.shared.connections import Placement
from components.shared.function_archive import function_archive
from components.shared.identity import StackIdentity
from components.shared.keys import StackContext
from components.shared.section import RETENTION_AUDIT_DAYS

RUNTIME = "python3.13"
MEMORY_MIB = 256


@dataclass(frozen=True, kw_only=True)
class FunctionArgs:
    stack: StackContext
    package: str
    """In components/files/functions: the function and its log have its name, and its module `handler` is called."""
    description: str
    seconds: int
    """Longest run; AWS Lambda allows 900."""
    variables: Mapping[str, pulumi.Input[str]]
    statements: Sequence[iam.Statement]
    """What the function may do, besides writing its log."""
    libraries: Sequence[str] = ()
    at_once: int | None = None
    """Most runs at the same time; None for as many as the account has."""
    placement: Placement | None = None
    """In the network; None for outside of it, on the internet."""


def create_function(
    name: str, args: FunctionArgs, child: pulumi.ResourceOptions
) -> tuple[aws.iam.Role, aws.lambda_.Function]:
    """Declare a function; return its role and it."""
    identity = args.stack.identity
    log_group = aws.cloudwatch.LogGroup(
        f"{name}-log-group",
        name=f"/{identity.project}/{identity.environment}/{args.package}",
        retention_in_days=RETENTION_AUDIT_DAYS,
        kms_key_id=args.stack.keys.logs,
        opts=child,
    )
    # AWS Lambda says nothing of the account when it takes on a role; a role of another one cannot be given to it.
    role = iam.service_role(name, "lambda.amazonaws.com", None, child)
    statements = [iam.write_log_statement(log_group.arn), *args.statements]
    after: list[pulumi.Resource] = [iam.role_policy(name, role, iam.document(*statements), child)]
    network: aws.lambda_.FunctionVpcConfigArgsDict | None = None
    if args.placement is not None:
        # AWS Lambda demands its permissions on network interfaces for every resource; the boundary bounds them.
        attachment = aws.iam.RolePolicyAttachment(
            f"{name}-network",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
            opts=child,
        )
        after += [attachment, *args.placement.rules]
        network = {
            "subnet_ids": args.placement.subnet_ids,
            "security_group_ids": [args.placement.security_group_id],
        }
    function = aws.lambda_.Function(
        f"{name}-function",
        name=identity.physical_name("aws:lambda/function:Function", f"{identity.prefix}-{args.package}"),
        description=args.description,
        runtime=RUNTIME,
        architectures=["arm64"],
        handler=f"{args.package}.handler.handle",
        code=function_archive(args.package, args.libraries),
        role=role.arn,
        timeout=args.seconds,
        memory_size=MEMORY_MIB,
        reserved_concurrent_executions=args.at_once,
        environment={"variables": args.variables},
        vpc_config=network,
        logging_config={"log_format": "JSON", "log_group": log_group.name},
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=after)),
    )
    return role, function


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """What schedules of one component have in common."""

    role: aws.iam.Role
    policy: aws.iam.RolePolicy
    """What a schedule waits for."""
    group: aws.scheduler.ScheduleGroup

    @property
    def group_name(self) -> pulumi.Output[str]:
        name: pulumi.Output[str] = self.group.name
        return name


def create_scheduler(
    name: str,
    suffix: str,
    identity: StackIdentity,
    statements: Sequence[iam.Statement],
    child: pulumi.ResourceOptions,
) -> Scheduler:
    """Declare the role that schedules act with, and their group, whose physical name ends in `suffix`."""
    role = iam.service_role(f"{name}-scheduler", "scheduler.amazonaws.com", identity.account_id, child)
    policy = iam.role_policy(f"{name}-scheduler", role, iam.document(*statements), child)
    group = aws.scheduler.ScheduleGroup(
        f"{name}-schedule-group",
        name=identity.physical_name("aws:scheduler/scheduleGroup:ScheduleGroup", f"{identity.prefix}-{suffix}"),
        opts=child,
    )
    return Scheduler(role=role, policy=policy, group=group)
