"""What breaks the rules of `policies.rules.audit`."""

from tests.policies.changes import Case, drop, put

CASES = (
    Case(
        "cloudtrail-trail-is-complete",
        "trail",
        put("trail", "isMultiRegionTrail", False),
        ("trail", "isMultiRegionTrail"),
    ),
    Case("cloudtrail-trail-is-complete", "trail", put("trail", "enableLogging", False), None),
    Case("cloudtrail-trail-is-complete", "trail", put("trail", "includeGlobalServiceEvents", False), None),
    Case(
        "cloudtrail-log-files-are-validated",
        "trail",
        drop("trail", "enableLogFileValidation"),
        ("trail", "enableLogFileValidation"),
    ),
    Case("cloudtrail-customer-managed-key-used", "trail", drop("trail", "kmsKeyId"), ("trail", "kmsKeyId")),
    Case(
        "cloudtrail-is-sent-to-cloudwatch",
        "trail",
        drop("trail", "cloudWatchLogsGroupArn"),
        ("trail", "cloudWatchLogsGroupArn"),
    ),
    Case(
        "backup-selections-match-resources",
        "tagged",
        put("tagged", "selectionTags.0.value", "another-project"),
        ("tagged", "selectionTags"),
    ),
    Case(
        "backup-selections-match-resources",
        "tagged",
        put("tagged", "selectionTags", []),
        None,
    ),
)
