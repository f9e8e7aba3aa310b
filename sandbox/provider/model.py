"""How a resource type is described: the vocabulary in which the tables of this package are written.

A table says which API calls a type becomes and where they differ from what the names already say. It holds no logic of
the provider; the exceptions that no table can express are small functions beside it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.schema import CheckFailure

Inputs = Mapping[str, Any]
Rule = Callable[[str], str | None]
"""Says what is wrong with a value, None if nothing is."""


@dataclass(frozen=True)
class Text:
    """A string to send as it is, where a plain string would name a property."""

    value: str


@dataclass(frozen=True)
class Call:
    """An operation and its arguments: a string names a property (or `id`), anything else is sent as it is."""

    operation: str
    arguments: Mapping[str, Any]


def call(operation: str, /, **arguments: Any) -> Call:
    """`call("delete_vpc", VpcId="id")`."""
    return Call(operation, arguments)


@dataclass(frozen=True)
class Live:
    """A resource as AWS describes it, with what else its properties may be made from."""

    id: str
    description: Mapping[str, Any]
    state: Inputs
    region: str
    account_id: str


Source = str | Callable[[Live], Any]
"""Where a property comes from: a JMESPath to a value in the API's form, or a function that returns the property."""


def template(text: str) -> Callable[[Live], str]:
    """A property made of the id, region, account and the properties that are named in braces."""
    return lambda live: text.format_map(
        {**live.state, "id": live.id, "region": live.region, "account": live.account_id}
    )


def arn(service: str, resource: str) -> Callable[[Live], str]:
    """`arn("ec2", "vpc/{id}")`: the ARN of a regional resource in this account."""
    return template(f"arn:aws:{service}:{{region}}:{{account}}:{resource}")


def constant(value: Any) -> Callable[[Live], Any]:
    """A property that is the same for every resource of the type."""
    return lambda live: value


@dataclass(frozen=True)
class Request:
    """One call to make, with its parameters."""

    operation: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Feature:
    """Inputs that AWS accepts in separate calls, made after creation and again whenever one of them changes."""

    inputs: str
    requests: Callable[[Inputs, str], Iterable[Request]]
    """The calls for some inputs and an id; both may contain unknown values when a preview validates the parameters."""
    _: KW_ONLY
    clear: Callable[[Api, Live], None] | None = None
    """Removes what is there before those calls are made."""
    apply: Callable[[Api, Live], None] | None = None
    """Makes the change instead of those calls, where they are not enough."""
    read: Callable[[Api, Live], Mapping[str, Any]] | None = None
    """The inputs as AWS has them now; None where AWS never reports them."""
    replaces_all: bool = False
    """Whether the calls replace the whole setting, so that an input may also be removed again."""
    stored_only: bool = False
    """Whether the emulator lacks the calls: they are validated, and the inputs are kept in the record."""

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.inputs.split())


@dataclass(frozen=True)
class Tagging:
    """The calls that tag an existing resource of a service; the tags themselves are added to them."""

    add: Call
    remove: Call
    read: Call | None = None
    """None where the description contains the tags."""
    path: str = "Tags"
    """JMESPath of the tags in the answer to `read`, or in the description."""
    replace_all: Callable[[Api, str, Mapping[str, str]], None] | None = None
    """Instead of `add` and `remove`, for APIs that accept all tags of a resource at once: service, id, tags."""
    survive: bool = False
    """Whether the emulator keeps the tags of a deleted resource for the next of its name: they are removed first."""


@dataclass(frozen=True)
class Autoname:
    """The input that names a resource, made from the logical name and seven random digits where it is not given."""

    input: str
    longest: int = 255
    lower_case: bool = False

    @property
    def prefix(self) -> str:
        """The input that gives the beginning of a name instead, for the types that have it."""
        return f"{self.input}Prefix"


@dataclass(frozen=True)
class Reference:
    """A kind of resource that an input may refer to, and how to find out whether one exists."""

    resource_kind: str
    exists: Callable[[Api, str], bool]
    recorded_token: str = ""
    """The type that it is, where the emulator lacks that type: then it also exists if its id is in the record."""


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One resource type. Fields that list inputs do so as words in one string."""

    token: str
    service: str
    """Client of boto3 that the calls go to."""
    create: str | Callable[[Inputs], str] = ""
    """Operation that creates; whatever inputs no other field claims are its parameters, matched by name."""
    id: Source = "@"
    """Over the answer of the create operation, or over what `custom_create` returns."""
    custom_create: Callable[[Api, Live], Any] | None = None
    """Instead of `create`, for types that adopt or set up what exists; returns what `id` is read from."""
    custom_create_inputs: str = ""
    """The inputs that `custom_create` and `custom_update` use."""
    custom_update: Callable[[Api, Live], Any] | None = None
    """Instead of `update`: changes what is there by other means."""
    custom_update_inputs: str = ""
    """The inputs that `custom_update` changes, if not `custom_create_inputs`; a change of any other is refused."""
    parameter_prefix: str = ""
    """The API's own word for the type, which it puts before members (`name` is `RoleName`: "Role")."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Property -> parameter, where matching by name does not find it; `*.id` at any depth."""
    before_create: Callable[[Api, Live], None] | None = None
    """Refuses what AWS would refuse because of what exists, where the emulator accepts it."""
    after_create: Callable[[Api, Live], None] | None = None
    """Calls that complete what the create operation leaves open."""
    prepare: Callable[[Inputs], dict[str, Any]] | None = None
    """Reshapes the inputs before they are mapped, for APIs built differently from the provider's schema."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that are sent always; a function is called for each request."""
    regional: Callable[[str], Mapping[str, Any]] | None = None
    """Parameters of the create operation that depend on the region."""

    read: Call | Callable[[Api, Live], Mapping[str, Any] | None] | None = None
    """The description of one resource; a function returns None if it is gone. Recorded types need none."""
    description: str = "@"
    """JMESPath of the description in the answer to `read`."""
    attributes: Mapping[str, Source] = field(default_factory=dict)
    """Property -> where it is in the description, if not under its own name or its rename."""
    write_only: str = ""
    """Inputs that AWS does not report, or that the emulator does not report: no drift is seen in them."""
    absent_outputs: str = ""
    """Outputs that have no value in this sandbox: "", 0, false or an empty list, as AWS reports the absence."""

    update: Call | None = None
    """Operation that changes inputs in place; the changed ones are its parameters."""
    update_renames: Mapping[str, str] = field(default_factory=dict)
    """Differences of the update operation from `renames`."""
    update_omits: str = ""
    """Inputs that the update operation does not accept, such as the name of the resource."""
    update_stored_only: str = ""
    """Inputs that the emulator accepts at creation but whose changes it drops: changes are validated and recorded."""
    after_update: Callable[[Api, Live], None] | None = None
    replaces_all: bool = False
    """Whether an update sends all inputs, because the API replaces the whole: with `update`, or by creating again."""
    replace: str = ""
    """Inputs that cannot be changed in place: ForceNew in the Terraform provider."""
    impossible_change: Callable[[Inputs, Inputs], str | None] | None = None
    """Says why AWS refuses to change the old inputs in place to the new ones, None if it accepts that."""
    features: tuple[Feature, ...] = ()
    tagging: Tagging | None = None
    tags_are_tags: bool = True
    """False for a type whose input `tags` is a setting like any other."""
    tag_specification: str = ""
    """EC2's name for the type among those that are tagged at creation."""
    recomputed: str = ""
    """Outputs that an update in place changes: a preview shows them as unknown."""
    delete: Call | Callable[[Api, Live], None] | None = None
    before_delete: Callable[[Api, Live], None] | None = None
    """Checks whether a resource may be deleted, or removes what prevents it."""
    delete_unless: str = ""
    """Input that, if true, leaves the resource in AWS when it is deleted from the program."""

    autoname: Autoname | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Inputs that the provider sets if the program does not."""
    provider_only: str = ""
    """Inputs that steer the provider and never reach AWS."""
    ordered: str = ""
    """Inputs whose list order means something; all others are compared as sets, as the provider does."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Input path -> what its value must look like, where the service model does not define it; lists item by item."""
    references: Mapping[str, Reference] = field(default_factory=dict)
    """Input path -> what it refers to; checked against the emulator before anything is created."""
    validate: Callable[[Inputs], Iterable[CheckFailure]] | None = None
    """Rules between inputs."""

    stored_only: bool = False
    """Whether the emulator lacks the type: it is validated like any other and kept in the provider's record."""

    def feature_inputs(self) -> frozenset[str]:
        """Inputs that a feature applies."""
        return frozenset().union(*(feature.names for feature in self.features))

    def operation(self, inputs: Inputs) -> str:
        """The operation that creates a resource with these inputs."""
        return self.create if isinstance(self.create, str) else self.create(inputs)
