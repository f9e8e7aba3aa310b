"""The command that asks a server whether it is well: no parameter, no choice, for servers only."""

from components.verification import SCRIPT
from tests.recorder import Recording


def test_the_command_takes_nothing_and_runs_one_script(production: Recording) -> None:
    document = production.named("verification-verify")

    assert document.pick("name", "documentType", "targetType") == {
        "name": "fixrx-production-verify",
        "documentType": "Command",
        "targetType": "/AWS::EC2::Instance",
    }
    assert document.document("content") == {
        "schemaVersion": "2.2",
        "description": "Whether the API on a server is well, and which release it runs",
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "verify",
                "inputs": {"timeoutSeconds": "120", "runCommand": ["#!/bin/bash", *SCRIPT.read_text().splitlines()]},
            }
        ],
    }
