"""Serves the pack to Pulumi's engine.

It implements the engine's analyzer protocol itself instead of using `pulumi_policy.PolicyPack`, for three reasons. The
SDK converts every resource again for every rule, which takes seconds with a hundred rules; here each is converted once
per request. In the SDK one unknown value ends a rule, here it leaves one verdict undetermined. And the SDK ignores
configuration that names no rule, here that is an error. What the engine sees is the same: every rule with its own name,
level, severity and metadata.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent import futures
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import Struct, Value
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc

from policies.engine.configuration import ConfigurationError, Entry, configure, default_configuration
from policies.engine.evaluation import Finding, RuleIndex, Undetermined, Verdicts, reevaluate_undetermined
from policies.engine.resource import (
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
    StackResource,
    judged_by_inputs,
    mark_secret,
    readable,
)
from policies.engine.rule import Level, Rule, RuleSeverity, Scope
from policies.engine.stack import StackGraph
from policies.engine.waivers import Waiver, Waivers

PACK_NAME: Final = "fixrx-checklist"
PACK_DISPLAY_NAME: Final = "FixRx pre-deployment checklist"
MAXIMUM_MESSAGE_BYTES: Final = 400 * 1024 * 1024
"""As in Pulumi's own SDK: the whole stack comes in one message."""

UNDETERMINED_RULE: Final = "pack-verdicts-are-determined"
UNDETERMINED_TEXT: Final = (
    "Rules that need a value which is known only after deployment are listed, and evaluated again then."
)
EXPIRED_WAIVER_RULE: Final = "pack-waivers-are-current"
EXPIRED_WAIVER_TEXT: Final = "No waiver has expired."
UNKNOWN_TYPE_RULE: Final = "pack-types-are-known"
UNKNOWN_TYPE_TEXT: Final = "Resource types that no rule judges are named: the pack says nothing about them."
JUDGED_PACKAGES: Final = ("aws:", "aws-native:")
"""Packages whose types the pack should know."""
UNDECIDED: Final = "no verdict"
"""Reported for rules without a verdict: otherwise the engine counts them as passed and lists them for each resource."""
PACK_RULES: Final = (UNDETERMINED_RULE, EXPIRED_WAIVER_RULE, UNKNOWN_TYPE_RULE)
"""Rules about the pack itself and not about a resource."""

_LEVELS: Final = {
    Level.ADVISORY: proto.ADVISORY,
    Level.MANDATORY: proto.MANDATORY,
    Level.DISABLED: proto.DISABLED,
}
_LEVEL_NAMES: Final = {
    proto.ADVISORY: "advisory",
    proto.MANDATORY: "mandatory",
    proto.DISABLED: "disabled",
    proto.REMEDIATE: "remediate",
}
_SEVERITIES: Final = {
    RuleSeverity.LOW: proto.POLICY_SEVERITY_LOW,
    RuleSeverity.MEDIUM: proto.POLICY_SEVERITY_MEDIUM,
    RuleSeverity.HIGH: proto.POLICY_SEVERITY_HIGH,
    RuleSeverity.CRITICAL: proto.POLICY_SEVERITY_CRITICAL,
}


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """The engine's view of the rule index. One process serves one preview or one update of one stack."""

    def __init__(
        self, index: RuleIndex, waivers: Waivers, version: str, known_types: Collection[str] | None = None
    ) -> None:
        self._index = index
        self._waivers = waivers
        self._version = version
        self._known_types = known_types
        """Types that need no mention although no rule judges them; None to mention none at all."""
        self._configuration = default_configuration(index)
        self._so_far = Verdicts()
        self._waived: dict[Waiver, list[Finding]] = {}
        """Findings of this run that a waiver covers: they are reported together, in one line for each waiver."""
        self._declared: dict[str, Mapping[str, Any]] = {}
        """The inputs of every resource of this run, by URN."""
        self._undecided = {
            scope: {
                rule.name: proto.PolicyNotApplicable(policy_name=rule.name, reason=UNDECIDED)
                for rule in index.rules.values()
                if rule.scope is scope
            }
            for scope in Scope
        }
        self._no_remediation = proto.RemediateResponse(not_applicable=self._undecided[Scope.RESOURCE].values())

    def Handshake(self, request: Any, context: Any) -> Any:
        """Accept the engine; there is nothing to agree on."""
        return proto.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Return the pack's version."""
        return proto.PluginInfo(version=self._version)

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:
        """Describe every rule."""
        return proto.AnalyzerInfo(
            name=PACK_NAME,
            displayName=PACK_DISPLAY_NAME,
            version=self._version,
            supportsConfig=True,
            policies=[*(describe(rule) for rule in self._index.rules.values()), *_describe_pack_rules()],
        )

    def Configure(self, request: Any, context: Any) -> Any:
        """Accept levels and settings; a name that does not exist is an error that ends the preview."""
        entries = {
            name: Entry(level=_LEVEL_NAMES[given.enforcementLevel], settings=_properties(given.properties))
            for name, given in request.policyConfig.items()
        }
        try:
            self._configuration = configure(self._index, entries, also_known=PACK_RULES)
        except ConfigurationError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return empty_pb2.Empty()

    def ConfigureStack(self, request: Any, context: Any) -> Any:
        """Accept the stack; rules look at resources and not at the stack's name."""
        return proto.AnalyzerStackConfigureResponse()

    def Analyze(self, request: Any, context: Any) -> Any:
        """Evaluate the rules on one resource, before it is created."""
        resource = StackResource(
            urn=request.urn,
            type_token=request.type,
            properties=_properties(request.properties),
            protect=request.options.protect,
            parent=request.options.parent,
        )
        self._declared[resource.urn] = resource.properties
        verdicts = self._evaluate(Scope.RESOURCE, [resource], StackGraph(()))
        self._so_far.findings += verdicts.findings
        self._so_far.undetermined += verdicts.undetermined
        return proto.AnalyzeResponse(
            diagnostics=self._diagnostics(verdicts.findings), not_applicable=self._not_decided(Scope.RESOURCE, verdicts)
        )

    def AnalyzeStack(self, request: Any, context: Any) -> Any:
        """Evaluate the rules that join resources, again what was undetermined, and report what still is."""
        stack = StackGraph(self._resource_of_stack(message) for message in request.resources)
        known = len(self._so_far.findings)
        reevaluate_undetermined(self._so_far, stack, self._configuration.settings)
        verdicts = self._evaluate(Scope.STACK, stack.resources, stack)
        not_decided = self._not_decided(Scope.STACK, verdicts)
        verdicts.findings += self._so_far.findings[known:]
        verdicts.undetermined += self._so_far.undetermined
        self._so_far = Verdicts()
        diagnostics = self._diagnostics(verdicts.findings)
        return proto.AnalyzeResponse(
            diagnostics=[
                *diagnostics,
                *self._waived_findings(),
                *self._expired_waivers(stack),
                *self._undetermined(verdicts.undetermined),
                *self._unknown_types(stack),
            ],
            not_applicable=not_decided,
        )

    def Remediate(self, request: Any, context: Any) -> Any:
        """Change nothing: rules report problems, the author of the program fixes them."""
        return self._no_remediation

    def Cancel(self, request: Any, context: Any) -> Any:
        """Do nothing: requests are short."""
        return empty_pb2.Empty()

    def _resource_of_stack(self, message: Any) -> StackResource:
        """Convert a resource, without what the program does not declare and AWS has not computed yet.

        Before deployment the outputs name such values as unknown. Rules ask for what the program says: a security group
        that declares no rules inside has none, and is not a question that only AWS can answer.

        Where the provider itself waits for something, such as for a cluster that is yet to be made, the engine has no
        outputs at all: then, too, the inputs are what is known.
        """
        properties = _properties(message.properties)
        declared = self._declared.get(message.urn, properties)
        if not properties or judged_by_inputs(message.type):
            properties = declared
        return StackResource(
            urn=message.urn,
            type_token=message.type,
            properties={name: value for name, value in properties.items() if value is not UNKNOWN or name in declared},
            protect=message.options.protect,
            parent=message.parent,
            dependencies=tuple(message.dependencies),
            property_dependencies={name: tuple(found.urns) for name, found in message.propertyDependencies.items()},
        )

    def _evaluate(self, scope: Scope, resources: Iterable[StackResource], stack: StackGraph) -> Verdicts:
        verdicts = self._index.evaluate(scope, resources, stack, self._configuration.settings)
        verdicts.findings = [f for f in verdicts.findings if self._level(f.rule) != Level.DISABLED]
        verdicts.undetermined = [o for o in verdicts.undetermined if self._level(o.rule) != Level.DISABLED]
        return verdicts

    def _not_decided(self, scope: Scope, verdicts: Verdicts) -> list[Any]:
        decided = {rule.name for rule, _ in verdicts.evaluated} - {
            verdict.rule.name for verdict in verdicts.undetermined
        }
        return [message for name, message in self._undecided[scope].items() if name not in decided]

    def _level(self, rule: Rule) -> Level:
        return self._configuration.levels[rule.name]

    def _diagnostics(self, findings: Iterable[Finding]) -> list[Any]:
        """Return the diagnostics of findings that count, and keep those that a waiver covers for the end of the run."""
        parted = self._waivers.partition(findings)
        for found, waiver in parted.waived:
            self._waived.setdefault(waiver, []).append(found)
        return [self._diagnostic(found) for found in parted.active]

    def _waived_findings(self) -> list[Any]:
        """Return one diagnostic for each waiver that was needed in this run, and begin anew."""
        diagnostics = [
            self._own_diagnostic(
                waiver.rule, findings[0].rule.description, proto.ADVISORY, _waived_message(waiver, findings)
            )
            for waiver, findings in self._waived.items()
        ]
        self._waived.clear()
        return diagnostics

    def _diagnostic(self, finding: Finding) -> Any:
        return proto.AnalyzeDiagnostic(
            policyName=finding.rule.name,
            policyPackName=PACK_NAME,
            policyPackVersion=self._version,
            description=finding.rule.description,
            message=finding.message,
            urn=finding.resource.urn,
            enforcementLevel=_LEVELS[self._level(finding.rule)],
            severity=_SEVERITIES[finding.rule.severity],
        )

    def _expired_waivers(self, stack: StackGraph) -> list[Any]:
        return [
            self._own_diagnostic(EXPIRED_WAIVER_RULE, EXPIRED_WAIVER_TEXT, proto.MANDATORY, _expired_message(waiver))
            for waiver in self._waivers.expired
            if any(waiver.matches(resource.urn) for resource in stack.resources)
        ]

    def _undetermined(self, undetermined: Iterable[Undetermined]) -> list[Any]:
        by_rule: dict[str, set[str]] = {}
        for verdict in undetermined:
            by_rule.setdefault(verdict.rule.name, set()).add(verdict.where)
        if not by_rule:
            return []
        count = sum(map(len, by_rule.values()))
        lines = [f"{name}: {', '.join(sorted(places))}" for name, places in sorted(by_rule.items())]
        message = (
            f"{count} verdicts of {len(by_rule)} rules are undetermined: these values are known only after deployment. "
            "Evaluate them then: pulumi policy analyze --policy-pack policies\n" + "\n".join(lines)
        )
        return [self._own_diagnostic(UNDETERMINED_RULE, UNDETERMINED_TEXT, proto.ADVISORY, message)]

    def _unknown_types(self, stack: StackGraph) -> list[Any]:
        """Name the types that no rule judges in one line: what the pack does not know it lets through."""
        if self._known_types is None:
            return []
        types = {resource.type for resource in stack.resources if resource.type.startswith(JUDGED_PACKAGES)}
        unknown = sorted(types - set(self._known_types))
        if not unknown:
            return []
        message = f"No rule judges these types; review them by hand: {', '.join(unknown)}"
        return [self._own_diagnostic(UNKNOWN_TYPE_RULE, UNKNOWN_TYPE_TEXT, proto.ADVISORY, message)]

    def _own_diagnostic(self, name: str, description: str, level: Any, message: str) -> Any:
        return proto.AnalyzeDiagnostic(
            policyName=name,
            policyPackName=PACK_NAME,
            policyPackVersion=self._version,
            description=description,
            message=message,
            enforcementLevel=level,
            severity=proto.POLICY_SEVERITY_MEDIUM,
        )


def _waived_message(waiver: Waiver, findings: Sequence[Finding]) -> str:
    resources = len({finding.resource.urn for finding in findings})
    return f"Waived for {resources} resource{'s' * (resources > 1)} by {waiver.summary}"


def _expired_message(waiver: Waiver) -> str:
    return (
        f"The waiver of {waiver.rule} for {waiver.urn} has expired ({waiver.summary}). "
        "Remove it from policies/waivers.yaml, or have its owner renew it."
    )


def describe(rule: Rule) -> Any:
    """Return what the engine is told about a rule."""
    info = proto.PolicyInfo(
        name=rule.name,
        description=rule.description,
        enforcementLevel=_LEVELS[rule.level],
        severity=_SEVERITIES[rule.severity],
        policy_type=proto.POLICY_TYPE_RESOURCE if rule.scope == Scope.RESOURCE else proto.POLICY_TYPE_STACK,
        remediation_steps=rule.remediation,
        url=rule.url,
        tags=list(rule.security_hub),
        framework=proto.PolicyComplianceFramework(
            name=PACK_DISPLAY_NAME,
            version="1.0.0",
            reference=rule.item.value.section,
            specification=rule.item.value.text,
        ),
    )
    for name, setting in rule.settings.items():
        info.configSchema.properties[name] = {
            "type": "integer",
            "default": setting.default,
            "minimum": setting.minimum,
            "maximum": setting.maximum,
            "description": setting.description,
        }
    return info


def _describe_pack_rules() -> list[Any]:
    return [
        proto.PolicyInfo(
            name=name,
            description=description,
            enforcementLevel=level,
            severity=proto.POLICY_SEVERITY_MEDIUM,
            policy_type=proto.POLICY_TYPE_STACK,
        )
        for name, description, level in (
            (UNDETERMINED_RULE, UNDETERMINED_TEXT, proto.ADVISORY),
            (EXPIRED_WAIVER_RULE, EXPIRED_WAIVER_TEXT, proto.MANDATORY),
            (UNKNOWN_TYPE_RULE, UNKNOWN_TYPE_TEXT, proto.ADVISORY),
        )
    ]


def _properties(struct: Struct) -> Mapping[str, Any]:
    return {name: _plain(value) for name, value in struct.fields.items()}


def _plain(value: Value) -> Any:
    """Convert one value of the wire format, unwrapping secrets and marking what is unknown."""
    match value.WhichOneof("kind"):
        case "string_value":
            return readable(value.string_value)
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
        case "struct_value":
            return _plain_object(value.struct_value)
        case _:
            return None


def _plain_object(struct: Struct) -> Any:
    properties = _properties(struct)
    if properties.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
        return mark_secret(properties.get("value"))
    return properties


def start(analyzer: Analyzer) -> tuple[grpc.Server, int]:
    """Listen on a free port of this machine and return the server with its port."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=4),
        options=[("grpc.max_receive_message_length", MAXIMUM_MESSAGE_BYTES)],
    )
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(analyzer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(analyzer: Analyzer) -> None:
    """Serve until the engine ends the process. The engine reads the port from the first line of output."""
    server, port = start(analyzer)
    print(port, flush=True)
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        server.stop(None)
