"""EC2's instance metadata service, version 2, for one server: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import TypeAlias

from boot.emulator import Instance
from boot.servers import Handler, Server

ADDRESS = "169.254.169.254"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
Node: TypeAlias = "bytes | Mapping[str, Node]"


def tree(instance: Instance) -> Mapping[str, Node]:
    """All that the service tells below one version, as folders and files."""
    template = instance.launch_template
    identity = {
        "accountId": instance.account_id,
        "architecture": "x86_64",
        "availabilityZone": instance.availability_zone,
        "imageId": template.image_id,
        "instanceId": instance.id,
        "instanceType": template.instance_type,
        "privateIp": instance.address,
        "region": instance.region,
        "version": "2017-09-30",
    }
    host = f"ip-{instance.address.replace('.', '-')}.ec2.internal"
    return {
        "user-data": template.user_data,
        "dynamic": {"instance-identity": {"document": _text(json.dumps(identity))}},
        "meta-data": {
            "ami-id": _text(template.image_id),
            "autoscaling": {"target-lifecycle-state": _text("InService")},
            "hostname": _text(host),
            "iam": {"security-credentials": {instance.role_name: _text(json.dumps(dict(instance.credentials())))}},
            "instance-id": _text(instance.id),
            "instance-type": _text(template.instance_type),
            "local-hostname": _text(host),
            "local-ipv4": _text(instance.address),
            "placement": {
                "availability-zone": _text(instance.availability_zone),
                "region": _text(instance.region),
            },
            "services": {"domain": _text("amazonaws.com"), "partition": _text("aws")},
        },
    }


def service(content: Mapping[str, Node], *, tokens_required: bool, on_request: Callable[[str], None]) -> Server:
    """The service on a port of loopback; every path that is asked for is reported."""
    token = secrets.token_urlsafe()

    class Metadata(Handler):
        def do_PUT(self) -> None:
            on_request(self.path)
            if self.path != "/latest/api/token":
                return self.reply(404, b"")
            return self.reply(200, token.encode(), {"X-aws-ec2-metadata-token-ttl-seconds": "21600"})

        def do_GET(self) -> None:
            on_request(self.path)
            if tokens_required and self.headers.get(TOKEN_HEADER) != token:
                return self.reply(401, b"")
            found = _find(content, self.path)
            return self.reply(404, b"") if found is None else self.reply(200, found)

    return Server(("127.0.0.1", 0), Metadata)


def _find(content: Mapping[str, Node], path: str) -> bytes | None:
    """The file, or the list of a folder, at a path whose first part is the version."""
    node: Node = content
    for part in path.strip("/").split("/")[1:]:
        if isinstance(node, bytes) or part not in node:
            return None
        node = node[part]
    if isinstance(node, bytes):
        return node
    # Credentials are listed by the role's name, without the slash of a folder.
    return "\n".join(name if isinstance(value, bytes) else f"{name}/" for name, value in node.items()).encode()


def _text(text: str) -> bytes:
    return text.encode()
