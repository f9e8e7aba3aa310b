"""Ways to weaken a stack. None of them knows the rules: they follow from the shape and the name of a property.

Each operator takes a resource of an exported state and yields changed copies of it, or None where it is removed.
"""

import base64
import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from policies import aws

Entry = dict[str, Any]
"""A resource as an exported state holds it."""

ANYWHERE: Final = {4: "0.0.0.0/0", 6: "::/0"}
SECRET_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"

SHORTER: Final = re.compile(
    r"days$|retention(period|indays|limit)|^length$|^minsize$|^numcacheclusters$|duration$", re.IGNORECASE
)
"""Names of numbers for which a smaller value is weaker."""
LARGER: Final = re.compile(r"^threshold$|unhealthythreshold|^limit$|evaluationperiods|hoplimit", re.IGNORECASE)
"""Names of numbers for which a larger value is weaker."""
PROTECTIVE: Final = re.compile(
    r"kms|encrypt|protect|auth|policy$|ssl|tls|certificate|securitygroup|logs|header|retention|backup|multiaz|failover"
    r"|snapshot|recovery|deletion|rotation|metadata|instanceprofile|subnetgroup|parametergroup|tags$|description$"
    r"|validation|redirect|transit|httptokens|hoplimit|actions$|action$|condition$|statement$|lock|block|versioning"
    r"|engineversion|lifecyclesupport|upgrade|maxallocated|healthcheck|monitoring|insights|version$|public",
    re.IGNORECASE,
)
"""Names of properties whose absence is weaker."""

WEAKER_WORDS: Final[Mapping[str, str]] = {
    "Enabled": "Disabled",
    "ENABLED": "DISABLED",
    "ALL": "REJECT",
    "BucketOwnerEnforced": "ObjectWriter",
    "COMPLIANCE": "GOVERNANCE",
    "DENY": "ALLOWALL",
    "DNS": "EMAIL",
    "ELB": "EC2",
    "GreaterThanThreshold": "LessThanThreshold",
    "HTTPS": "HTTP",
    "HTTP_301": "HTTP_200",
    "IP": "CONSTANT",
    "RSA_2048": "RSA_1024",
    "aws:kms": "AES256",
    "defensive": "monitor",
    "deny": "allow",
    "nosniff": "sniff",
    "p95": "p50",
    "rds-ca-rsa2048-g1": "rds-ca-2019",
    "redirect": "forward",
    "required": "optional",
}
"""Values that protect, and a weaker value for each."""
OLDER_VERSIONS: Final[Mapping[str, str]] = {
    "aws:rds/instance:Instance": "13.4",
    "aws:elasticache/replicationGroup:ReplicationGroup": "5.0.6",
}
WEAK_ADDITIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "aws:ec2/launchTemplate:LaunchTemplate": {
        "keyName": "laptop",
        "networkInterfaces": [{"associatePublicIpAddress": "true"}],
    },
    "aws:ec2/subnet:Subnet": {"mapPublicIpOnLaunch": True},
    "aws:ec2/securityGroup:SecurityGroup": {
        "ingress": [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}]
    },
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {
        "ingress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}]
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {"transitEncryptionMode": "preferred"},
    "aws:lb/loadBalancer:LoadBalancer": {"enableWafFailOpen": True, "desyncMitigationMode": "monitor"},
    "aws:rds/instance:Instance": {
        "publiclyAccessible": True,
        "skipFinalSnapshot": True,
        "deleteAutomatedBackups": True,
        "engineLifecycleSupport": "open-source-rds-extended-support",
        "username": "postgres",
    },
    "aws:s3/bucket:Bucket": {"acl": "public-read", "forceDestroy": True},
    "aws:secretsmanager/secret:Secret": {"recoveryWindowInDays": 0},
    "aws:ssm/document:Document": {"permissions": {"type": "Share", "account_ids": "All"}},
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": {"actionsEnabled": False},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"actionsEnabled": False},
    "aws:autoscaling/group:Group": {"launchConfiguration": "old"},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {"cidrIpv4": "0.0.0.0/0", "cidrIpv6": "::/0"},
}
"""Properties that a secure stack does not set."""
GUARD_TYPES: Final = re.compile(
    r"aws:(s3/bucket[A-Z]|sns/topicPolicy|wafv2/webAcl[A-Z]|ec2/(default|flowLog)|cloudwatch/logGroup|iam/role[A-Z]|secretsmanager/secret:)"
)
"""Types that protect or complete another resource, even where other resources depend on them."""
WEAK_SCRIPT_LINES: Final[Mapping[str, str]] = {
    "password login": "echo 'PasswordAuthentication yes' >> /etc/ssh/sshd_config",
    "secret in the script": "export SENDGRID_API_KEY=SG.abcdefghijklmnopqrst.abcdefghijklmnopqrst",
    "old Node.js": "dnf install nodejs18",
}


@dataclass(frozen=True)
class Mutant:
    """A resource that was weakened in one way."""

    urn: str
    type_token: str
    operator: str
    path: str
    """The property that was changed; empty where the resource as a whole was."""
    entry: Entry | None
    """The resource as it is now, or None if it is gone."""
    companion: Entry | None = None
    """A new resource beside it."""

    @property
    def name(self) -> str:
        """What was done to what, in one line."""
        where = f".{self.path}" if self.path else ""
        return f"{self.urn.rpartition('::')[2]}{where}: {self.operator}"


Rewrite = Callable[[str, Any], Iterator[tuple[str, Any]]]
"""Takes the path and the value of a property; yields operators' names with the weakened value."""
REMOVED: Final = object()
"""Instead of a value: the property is left out."""


def mutants_of(entry: Entry, *, guards_others: bool) -> Iterator[Mutant]:
    """Yield every mutant of a resource; one that protects others is also removed."""
    if guards_others:
        yield _mutant(entry, "removed", "", None)
    if entry.get("protect"):
        yield _mutant(entry, "protection removed", "protect", {**entry, "protect": False})
    for path, value in _properties(entry["inputs"]):
        for rewrite in REWRITES:
            for operator, weaker in rewrite(path, value):
                yield _mutant(entry, operator, path, _with(entry, path, weaker))
    for path, weak in WEAK_ADDITIONS.get(entry["type"], {}).items():
        if entry["inputs"].get(path) != weak:
            yield _mutant(entry, f"set to {json.dumps(weak)}", path, _with(entry, path, weak))
    for operator, companion in _companions(entry):
        yield Mutant(entry["urn"], entry["type"], operator, "", entry, companion)
    older = OLDER_VERSIONS.get(entry["type"])
    if older and "engineVersion" in entry["inputs"]:
        yield _mutant(entry, f"downgraded to {older}", "engineVersion", _with(entry, "engineVersion", older))


def _companions(entry: Entry) -> Iterator[tuple[str, Entry]]:
    """Yield new resources that expose an existing one."""
    match entry["type"]:
        case "aws:ec2/securityGroup:SecurityGroup":
            for port, (version, block) in itertools.product((22, 3306, 5432), ANYWHERE.items()):
                rule = {
                    "securityGroupId": entry["id"],
                    "ipProtocol": "tcp",
                    "fromPort": port,
                    "toPort": port,
                    f"cidrIpv{version}": block,
                    "description": "Temporary access",
                    "tags": entry["inputs"].get("tags"),
                }
                new_type = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
                yield f"port {port} opened to {block}", _companion(entry, new_type, rule, "securityGroupId")
        case "aws:iam/role:Role":
            attachment = {
                "role": entry["id"],
                "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
            }
            new_type = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
            yield "made an administrator", _companion(entry, new_type, attachment, "role")
        case "aws:lb/loadBalancer:LoadBalancer":
            listener = {
                "loadBalancerArn": entry["id"],
                "port": 8080,
                "protocol": "HTTP",
                "defaultActions": [{"type": "forward", "targetGroupArn": "arn:aws:test"}],
                "tags": entry["inputs"].get("tags"),
            }
            yield "plain HTTP served", _companion(entry, "aws:lb/listener:Listener", listener, "loadBalancerArn")


def _companion(entry: Entry, type_token: str, inputs: Mapping[str, Any], reference: str) -> Entry:
    stack, _, _ = entry["urn"].rpartition("::")
    return {
        "urn": f"{stack.rpartition('::')[0]}::{type_token}::companion",
        "type": type_token,
        "inputs": dict(inputs),
        "outputs": {**inputs, "id": "companion-id"},
        "propertyDependencies": {reference: [entry["urn"]]},
    }


def _mutant(entry: Entry, operator: str, path: str, changed: Entry | None) -> Mutant:
    return Mutant(entry["urn"], entry["type"], operator, path, changed)


def _properties(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every property at every depth, objects and lists as well as what is in them."""
    if path:
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict) and SECRET_SIGNATURE_KEY in value:
        return
    for key, item in items:
        # Pulumi's own notes begin with two underscores. A path cannot name a key with a dot: Kubernetes' labels and
        # annotations change as a whole.
        if not str(key).startswith("__") and "." not in str(key):
            yield from _properties(item, f"{path}.{key}" if path else str(key))


def _with(entry: Entry, path: str, value: Any) -> Entry:
    """Return the resource with a property changed before and after deployment, and what it refers to forgotten."""
    changed = copy.deepcopy(entry)
    root = path.partition(".")[0]
    for side in ("inputs", "outputs"):
        _assign(changed[side], path.split("."), value if value is REMOVED else copy.deepcopy(value))
    if path == root:
        changed.get("propertyDependencies", {}).pop(root, None)
    return changed


def _assign(target: Any, steps: list[str], value: Any) -> None:
    *parents, last = [int(step) if step.isdecimal() else step for step in steps]
    for step in parents:
        target = target[step]
    if value is not REMOVED:
        target[last] = value
    elif isinstance(target, list):
        del target[int(last)]
    else:
        target.pop(last, None)


def _flip(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool):
        yield "flipped", not value
    elif value in ("true", "false"):
        yield "flipped", "false" if value == "true" else "true"


def _leave_out(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and value:
        yield "emptied", []
    if PROTECTIVE.search(path.rpartition(".")[2]):
        yield "left out", REMOVED


def _widen(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str) and "/" in value:
        try:
            network = ip_network(value)
        except ValueError:
            return
        if network.prefixlen:
            yield f"widened to {ANYWHERE[network.version]}", ANYWHERE[network.version]


def _resize(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    name = path.rpartition(".")[2]
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return
    if SHORTER.search(name) and value > 1:
        yield "reduced to 1", 1
    if LARGER.search(name):
        yield "ten times as much", value * 10
    if name == "fromPort":
        yield "from the first port", 0
    if name == "toPort":
        yield "to the last port", 65535


def _reword(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, str):
        return
    if value in WEAKER_WORDS:
        yield f"{value} becomes {WEAKER_WORDS[value]}", WEAKER_WORDS[value]
    if value.startswith("ELBSecurityPolicy-"):
        yield "downgraded to 2016", "ELBSecurityPolicy-2016-08"
    if value.startswith("max-age="):
        yield "shortened", "max-age=300"
    if path.endswith("launchTemplate.version"):
        yield "floating", "$Latest"


def _unwrap_secret(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and SECRET_SIGNATURE_KEY in value:
        yield "in plain text", "Tr0ub4dor&3-in-the-clear"


def _weaken_document(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, str) or not value.startswith("{"):
        return
    document = json.loads(value)
    for index, statement in enumerate(document.get("Statement", ())):
        for operator, weaker in _weaker_statements(statement):
            changed = copy.deepcopy(document)
            changed["Statement"][index : index + 1] = weaker
            yield f"statement {statement.get('Sid', index)}: {operator}", json.dumps(changed)
    for name, setting in document.get("inputs", {}).items():
        if setting not in ("", False):
            empty = False if isinstance(setting, bool) else ""
            yield f"{name} emptied", json.dumps({**document, "inputs": {**document["inputs"], name: empty}})


def _weaker_statements(statement: Mapping[str, Any]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    # Without an effect it protects data in logs.
    if statement.get("Effect", "Deny") == "Deny":
        yield "removed", []
        if "DataIdentifier" in statement:
            yield "less data", [{**statement, "DataIdentifier": statement["DataIdentifier"][1:]}]
        return
    if statement.get("Action") not in ("*", ["*"]):
        yield "every action", [{**statement, "Action": "*"}]
    if "Resource" in statement and statement["Resource"] not in ("*", ["*"]):
        yield "every resource", [{**statement, "Resource": "*"}]
    if "Principal" in statement and statement["Principal"] not in ("*", {"AWS": "*"}):
        yield "every principal", [{**statement, "Principal": {"AWS": "*"}}]
    if "Condition" in statement:
        yield "no condition", [{key: value for key, value in statement.items() if key != "Condition"}]


def _weaken_script(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if path != "userData":
        return
    script = aws.script_of(value)
    for operator, line in WEAK_SCRIPT_LINES.items():
        yield operator, base64.b64encode(f"{script}\n{line}\n".encode()).decode()


REWRITES: Final[tuple[Rewrite, ...]] = (
    _flip,
    _leave_out,
    _widen,
    _resize,
    _reword,
    _unwrap_secret,
    _weaken_document,
    _weaken_script,
)
