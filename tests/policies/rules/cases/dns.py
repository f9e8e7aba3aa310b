"""What breaks the rules of `policies.rules.dns`."""

from tests.policies.changes import Case, put, remove

CASES = (
    Case("dns-queries-are-logged", "zone", remove("query-log"), ("query-log", "zoneId")),
    Case("dns-caa-record-exists", "zone", remove("caa"), ("caa", "type")),
    Case(
        "dns-alias-targets-exist",
        "api",
        put("api", "aliases.0.name", "gone.elb.amazonaws.com"),
        ("api", "aliases.0.name"),
    ),
    Case("dns-served-names-have-records", "certificate", remove("api"), ("api", "name")),
    Case("dns-served-names-have-records", "certificate", put("api", "name", "api2.fixrx.com"), None),
    Case("dns-served-names-have-records", "certificate", put("api", "type", "TXT"), None),
    Case(
        "dns-served-names-have-records",
        "certificate",
        put("certificate", "subjectAlternativeNames", ["*.fixrx.com", "www.fixrx.com"]),
        None,
    ),
)
