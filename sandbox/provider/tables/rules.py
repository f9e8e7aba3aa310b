"""Formats that AWS requires but botocore's service models do not state; each returns what is wrong, or None."""

import base64
import ipaddress
import json
import re

from sandbox.provider.model import Rule

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK_MINUTES = 7 * 24 * 60


def matches(pattern: str, description: str) -> Rule:
    """A rule that the whole value matches a regular expression."""
    compiled = re.compile(pattern)
    return lambda value: None if compiled.fullmatch(value) else f"must be {description}"


def between(low: float, high: float) -> Rule:
    """A rule that the value is a number within bounds, which are included."""

    def rule(value: str) -> str | None:
        try:
            inside = low <= float(value) <= high
        except ValueError:
            inside = False
        return None if inside else f"must be between {low} and {high}"

    return rule


def one_of(*allowed: str) -> Rule:
    """A rule that the value is one of a few words."""
    return lambda value: None if value in allowed else f"must be one of {', '.join(allowed)}"


def one_word_of(words: str) -> Rule:
    """A rule that the value is one of the words in a text."""
    return one_of(*words.split())


def hyphenated(longest: int, description: str, letters: str = "a-z") -> Rule:
    """A rule for names of letters, digits and single hyphens that begin with a letter and do not end in a hyphen."""
    return matches(rf"(?=.{{1,{longest}}}$)[{letters}](-?[{letters}0-9])*", description)


def ipv4_network(value: str) -> str | None:
    """A.B.C.D/N with no bits set to the right of the mask: AWS refuses or silently changes others."""
    return _network(value, ipaddress.IPv4Network, "IPv4")


def ipv6_network(value: str) -> str | None:
    """An IPv6 block in CIDR notation."""
    return _network(value, ipaddress.IPv6Network, "IPv6")


def _network(value: str, family: type[ipaddress.IPv4Network] | type[ipaddress.IPv6Network], name: str) -> str | None:
    if "/" not in value:
        return f"must be an {name} CIDR block such as {'10.0.0.0/16' if name == 'IPv4' else '2001:db8::/56'}"
    try:
        family(value)
    except ValueError as error:
        return f"must be an {name} CIDR block: {error}"
    return None


def vpc_network(value: str) -> str | None:
    """A VPC or subnet block: AWS accepts netmasks from /16 to /28 only."""
    wrong = ipv4_network(value)
    if wrong:
        return wrong
    return None if 16 <= ipaddress.IPv4Network(value).prefixlen <= 28 else "must have a netmask from /16 to /28"


account_id = matches(r"\d{12}", "an account id of 12 digits")
arn = matches(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}|aws|cloudfront)?:.+", "an ARN")
snapshot_name = hyphenated(
    255, "letters, digits and single hyphens, beginning with a letter and not ending in a hyphen", "A-Za-z"
)
availability_zone = matches(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", "an availability zone such as us-east-1a")
db_instance_class = matches(r"db\.[a-z0-9-]+\.[a-z0-9]+", "an instance class such as db.m7g.large")
cache_node_type = matches(r"cache\.[a-z0-9-]+\.[a-z0-9]+", "a node type such as cache.t4g.small")
schedule_expression = matches(
    r"cron\((\S+ ){5}\S+\)|rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)|at\(\S+\)",
    "cron(six fields), rate(number unit) or at(time)",
)
domain_name = matches(
    r"(\*\.)?([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9-]{2,63}\.?", "a domain name"
)
bucket_name = matches(
    r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens",
)
https_url = matches(r"https://[^\s/]+(/\S*)?", "an address that begins with https://")


def daily_window(value: str) -> str | None:
    """`hh24:mi-hh24:mi` in UTC of at least 30 minutes: RDS's backup window."""
    found = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", value)
    if not found or not _valid_times(*found.groups()):
        return "must be hh24:mi-hh24:mi in UTC, such as 02:00-02:30"
    start, end = _minutes(found[1], found[2]), _minutes(found[3], found[4])
    return None if (end - start) % (24 * 60) >= 30 else "must be at least 30 minutes long"


def hourly_window(value: str) -> str | None:
    """`hh24:mi-hh24:mi` in UTC of at least 60 minutes: ElastiCache's snapshot window."""
    wrong = daily_window(value)
    if wrong:
        return wrong
    start, end = (_minutes(*part.split(":")) for part in value.split("-"))
    return None if (end - start) % (24 * 60) >= 60 else "must be at least 60 minutes long"


def weekly_window(shortest: int) -> Rule:
    """`ddd:hh24:mi-ddd:hh24:mi` in UTC, at least so many minutes long: RDS asks for 30, ElastiCache for 60."""

    def rule(value: str) -> str | None:
        found = re.fullmatch(r"([a-z]{3}):(\d\d):(\d\d)-([a-z]{3}):(\d\d):(\d\d)", value.lower())
        if not found or not {found[1], found[4]} <= set(_DAYS) or not _valid_times(*found.group(2, 3, 5, 6)):
            return "must be ddd:hh24:mi-ddd:hh24:mi in UTC, such as sun:03:00-sun:04:00"
        start = _DAYS.index(found[1]) * 1440 + _minutes(found[2], found[3])
        end = _DAYS.index(found[4]) * 1440 + _minutes(found[5], found[6])
        length = (end - start) % _WEEK_MINUTES
        return None if shortest <= length < 1440 else f"must be {shortest} minutes to 24 hours long"

    return rule


def _valid_times(*parts: str) -> bool:
    return all(int(part) < limit for part, limit in zip(parts, (24, 60, 24, 60), strict=True))


def _minutes(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes)


def json_document(value: str) -> str | None:
    """A JSON object, as policies and documents are."""
    try:
        document = json.loads(value)
    except ValueError as error:
        return f"must be JSON: {error}"
    return None if isinstance(document, dict) else "must be a JSON object"


def base64_text(value: str) -> str | None:
    """Bytes in base64, which the provider does not encode itself."""
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        return "must be base64"
    return None


def policy_document(value: str) -> str | None:
    """An IAM policy: a JSON object of a known version whose statements have an effect and an action."""
    wrong = json_document(value)
    if wrong:
        return wrong
    document = json.loads(value)
    if document.get("Version") not in (None, "2012-10-17", "2008-10-17"):
        return "has a Version that IAM does not know: use 2012-10-17"
    statements = document.get("Statement")
    if not statements:
        return "has no Statement"
    return next(filter(None, map(_statement, statements if isinstance(statements, list) else [statements])), None)


def policy_document_within(longest: int) -> Rule:
    """A policy that IAM keeps: it counts the characters, white space left out."""

    def rule(value: str) -> str | None:
        wrong = policy_document(value)
        if wrong:
            return wrong
        length = sum(not character.isspace() for character in value)
        return None if length <= longest else f"has {length} characters, and IAM takes {longest}"

    return rule


def _statement(statement: object) -> str | None:
    if not isinstance(statement, dict):
        return "has a Statement that is not an object"
    unknown = sorted(statement.keys() - _STATEMENT_KEYS)
    if unknown:
        return f"has a statement with the unknown element {unknown[0]}"
    if statement.get("Effect") not in ("Allow", "Deny"):
        return "has a statement whose Effect is neither Allow nor Deny"
    return None if statement.keys() & {"Action", "NotAction"} else "has a statement without Action"


_STATEMENT_KEYS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
