"""AWS Lambda. The emulator would need a container to run a function, so functions and calls of them are recorded."""

import base64
from collections.abc import Iterable

from sandbox.provider.model import Autoname, Inputs, Live, ResourceType, arn, constant, template
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import recorded_uuid, without


def _code_digest(live: Live) -> str:
    """As AWS writes it. Pulumi's digest of an archive is the one of its files, not of the bytes that AWS would get."""
    return base64.b64encode(bytes.fromhex(live.state["code"]["hash"])).decode()


def _function_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    given = [key for key in ("code", "imageUri", "s3Bucket") if inputs.get(key) is not None]
    if len(given) != 1:
        yield CheckFailure("code", "exactly one of code, imageUri and s3Bucket must be given")
    if "code" in given and (inputs.get("handler") is None or inputs.get("runtime") is None):
        yield CheckFailure("handler", "handler and runtime must be given with code")


_INVOKE = "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/arn:aws:lambda:{region}:{account}:function:{id}"

_FUNCTION = ResourceType(
    token="aws:lambda/function:Function",
    service="lambda",
    create="create_function",
    id=template("{name}"),
    constants={"Code": lambda: {"ZipFile": b"recorded"}},
    renames={"kmsKeyArn": "KMSKeyArn", "name": "FunctionName"},
    attributes={
        "arn": arn("lambda", "function:{id}"),
        "codeSha256": _code_digest,
        "invokeArn": template(f"{_INVOKE}/invocations"),
        "qualifiedArn": arn("lambda", "function:{id}:$LATEST"),
        "qualifiedInvokeArn": template(f"{_INVOKE}:$LATEST/invocations"),
        "responseStreamingInvokeArn": template(f"{_INVOKE}/response-streaming-invocations"),
        "ephemeralStorage": lambda live: live.state.get("ephemeralStorage") or {"size": 512},
        "tracingConfig": lambda live: live.state.get("tracingConfig") or {"mode": "PassThrough"},
        "version": constant("$LATEST"),
    },
    absent_outputs="lastModified signingJobArn sourceCodeHash signingProfileVersionArn sourceCodeSize",
    recomputed="codeSha256",
    replace="name packageType",
    autoname=Autoname("name", longest=64),
    defaults={
        "memorySize": 128,
        "packageType": "Zip",
        "publish": False,
        "reservedConcurrentExecutions": -1,
        "skipDestroy": False,
        "timeout": 3,
    },
    provider_only="code publish publishTo reservedConcurrentExecutions skipDestroy",
    rules={
        "name": rules.matches(r"[a-zA-Z0-9_-]{1,64}", "at most 64 letters, digits, hyphens and underscores"),
        "memorySize": rules.between(128, 10240),
        "timeout": rules.between(1, 900),
    },
    references={
        "kmsKeyArn": references.KMS_KEY,
        "loggingConfig.logGroup": references.LOG_GROUP,
        "role": references.ROLE,
        "vpcConfig.securityGroupIds": references.SECURITY_GROUP,
        "vpcConfig.subnetIds": references.SUBNET,
    },
    validate=_function_rules,
    stored_only=True,
)

_INVOCATION = ResourceType(
    token="aws:lambda/invocation:Invocation",
    service="lambda",
    create="invoke",
    id=recorded_uuid("invocation", "functionName", "triggers"),
    # What the function would do is not done: the sandbox writes placeholders into secrets without a value.
    attributes={"result": constant("{}")},
    renames={"input": "Payload"},
    replace="functionName input lifecycleScope qualifier triggers",
    defaults={"lifecycleScope": "CREATE_ONLY", "qualifier": "$LATEST"},
    prepare=lambda inputs: without(inputs, "lifecycleScope", "triggers"),
    provider_only="terraformKey",
    rules={"input": rules.json_document, "lifecycleScope": rules.one_of("CREATE_ONLY", "CRUD")},
    stored_only=True,
)

_PERMISSION = ResourceType(
    token="aws:lambda/permission:Permission",
    service="lambda",
    create="add_permission",
    id=template("{statementId}"),
    renames={"function": "FunctionName", "principalOrgId": "PrincipalOrgID"},
    absent_outputs="statementIdPrefix",
    replace="action eventSourceToken function functionUrlAuthType invokedViaFunctionUrl principal principalOrgId "
    "qualifier sourceAccount sourceArn statementId statementIdPrefix",
    autoname=Autoname("statementId", longest=100),
    rules={
        "action": rules.matches(r"lambda:[a-zA-Z]+|lambda:\*", "an action of AWS Lambda"),
        "sourceAccount": rules.matches(r"\d{12}", "an account id"),
    },
    stored_only=True,
)

_EVENT_SOURCE = ResourceType(
    token="aws:lambda/eventSourceMapping:EventSourceMapping",
    service="lambda",
    create="create_event_source_mapping",
    id=recorded_uuid("event-source-mapping", "functionName", "eventSourceArn"),
    renames={"kmsKeyArn": "KMSKeyArn"},
    attributes={
        "arn": arn("lambda", "event-source-mapping:{id}"),
        "functionArn": lambda live: live.state["functionName"],
        "state": lambda live: "Disabled" if live.state.get("enabled") is False else "Enabled",
        "uuid": template("{id}"),
    },
    absent_outputs="lastModified lastProcessingResult maximumRecordAgeInSeconds maximumRetryAttempts "
    "parallelizationFactor stateTransitionReason",
    replace="eventSourceArn queues selfManagedEventSource startingPosition startingPositionTimestamp",
    defaults={"enabled": True},
    provider_only="useResourceTimeoutForPropagation",
    rules={
        "eventSourceArn": rules.arn,
        "scalingConfig.maximumConcurrency": rules.between(2, 1000),
    },
    stored_only=True,
)

TYPES = (_FUNCTION, _INVOCATION, _PERMISSION, _EVENT_SOURCE)
