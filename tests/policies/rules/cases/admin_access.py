"""What breaks the rules of `policies.rules.admin_access`."""

from tests.policies.changes import Case, add, both, drop, put, remove, session
from tests.policies.exported import Reference, compressed, encoded, tags

CASES = (
    Case(
        "admin-remote-login-is-not-public",
        "web-443",
        both(put("web-443", "fromPort", 22), put("web-443", "toPort", 22)),
        ("web-443", "cidrIpv4"),
    ),
    Case(
        "admin-remote-login-is-not-public",
        "web-443",
        both(put("web-443", "fromPort", 3389), put("web-443", "toPort", 3389)),
        None,
    ),
    Case(
        "admin-ssh-port-is-closed",
        "office",
        add(
            "aws:vpc/securityGroupIngressRule",
            "office",
            {
                "securityGroupId": Reference("app-group", "id"),
                "ipProtocol": "tcp",
                "fromPort": 22,
                "toPort": 22,
                "cidrIpv4": "203.0.113.0/24",
                "description": "Office",
                "tags": tags("office"),
            },
        ),
        ("web-443", "ipProtocol"),
    ),
    Case(
        "admin-session-manager-enabled",
        "template",
        remove("session-manager"),
        ("session-manager", "role"),
    ),
    Case(
        "admin-sessions-are-recorded",
        "session",
        put("session", "content", session(cloudWatchLogGroupName="")),
        ("session", "content"),
    ),
    Case(
        "admin-sessions-are-recorded",
        "session",
        put("session", "content", session(cloudWatchEncryptionEnabled=False)),
        None,
    ),
    Case(
        "admin-session-timeout-is-set",
        "session",
        put("session", "content", session(idleSessionTimeout="")),
        ("session", "content"),
    ),
    Case("admin-session-document-exists", "template", remove("session"), ("session", "documentType")),
    Case(
        "admin-documents-are-valid",
        "session",
        put("session", "content", "{inputs: ["),
        ("session", "content"),
    ),
    Case(
        "admin-documents-are-private",
        "session",
        put("session", "permissions", {"type": "Share", "account_ids": "All"}),
        ("session", "permissions"),
    ),
    Case("admin-ssh-key-pairs-are-not-used", "template", put("template", "keyName", "laptop"), ("template", "keyName")),
    Case(
        "admin-password-login-disabled",
        "template",
        put("template", "userData", encoded("echo 'PasswordAuthentication yes' >> /etc/ssh/sshd_config\n")),
        ("template", "userData"),
    ),
    Case(
        "admin-password-login-disabled",
        "template",
        put("template", "userData", compressed("echo 'PasswordAuthentication yes' >> /etc/ssh/sshd_config\n")),
        ("template", "userData"),
    ),
    Case(
        "admin-vpn-connections-are-logged",
        "vpn",
        put("vpn", "connectionLogOptions.enabled", False),
        ("vpn", "connectionLogOptions"),
    ),
    Case("admin-vpn-is-restricted", "vpn", drop("vpn", "securityGroupIds"), ("vpn", "securityGroupIds")),
    Case("admin-vpn-is-restricted", "vpn", put("vpn", "disconnectOnSessionTimeout", False), None),
    Case(
        "admin-vpn-is-restricted", "vpn-authorization", put("vpn-authorization", "targetNetworkCidr", "0.0.0.0/0"), None
    ),
)
