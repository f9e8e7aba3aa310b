"""What breaks the rules of `policies.rules.servers`."""

from tests.policies.changes import Case, drop, put
from tests.policies.exported import compressed, encoded

CASES = (
    Case(
        "ec2-nodejs-version-is-supported",
        "template",
        put("template", "userData", encoded("curl https://rpm.nodesource.com/setup_18.x | bash\n")),
        ("template", "userData"),
    ),
    Case(
        "ec2-nodejs-version-is-supported",
        "template",
        put("template", "userData", compressed("curl https://rpm.nodesource.com/setup_18.x | bash\n")),
        ("template", "userData"),
    ),
    Case(
        "ec2-instance-profile-is-set",
        "template",
        drop("template", "iamInstanceProfile"),
        ("template", "iamInstanceProfile"),
        also=(("admin-session-manager-enabled", "template"),),
    ),
    Case(
        "ec2-imdsv2-is-required",
        "template",
        put("template", "metadataOptions.httpTokens", "optional"),
        ("template", "metadataOptions"),
    ),
    Case(
        "ec2-metadata-hop-limit-is-one",
        "template",
        put("template", "metadataOptions.httpPutResponseHopLimit", 2),
        ("template", "metadataOptions"),
    ),
    Case(
        "ec2-public-ip-disabled",
        "template",
        put("template", "networkInterfaces", [{"associatePublicIpAddress": "true"}]),
        ("template", "networkInterfaces"),
    ),
)
