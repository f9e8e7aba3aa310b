"""How a server says that it is well: a command of Systems Manager with neither parameters nor choices.

Whoever may run it on a server learns whether the API there is well, and can do nothing else.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.shared.identity import StackIdentity

SCRIPT = Path(__file__).parent / "files" / "verify.sh"
LONGEST_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class VerificationArgs:
    identity: StackIdentity


class Verification(pulumi.ComponentResource):
    """The document of the command."""

    document_name: pulumi.Output[str]

    def __init__(self, name: str, args: VerificationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Verification", name, None, opts)
        identity = args.identity
        document = aws.ssm.Document(
            f"{name}-verify",
            name=identity.physical_name("aws:ssm/document:Document", f"{identity.prefix}-verify"),
            document_type="Command",
            document_format="JSON",
            target_type="/AWS::EC2::Instance",
            content=json.dumps(_content(SCRIPT.read_text()), sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.document_name = document.name
        self.register_outputs({"document_name": self.document_name})


def _content(script: str) -> dict[str, object]:
    step = {
        "action": "aws:runShellScript",
        "name": "verify",
        "inputs": {"timeoutSeconds": str(LONGEST_SECONDS), "runCommand": ["#!/bin/bash", *script.splitlines()]},
    }
    return {
        "schemaVersion": "2.2",
        "description": "Whether the API on a server is well, and which release it runs",
        "mainSteps": [step],
    }
