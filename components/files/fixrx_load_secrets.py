#!/usr/bin/python3 -I
"""Writes the values of the application's secrets to memory, as an environment file that systemd reads.

It runs as root before each start and each reload of the service, on the system's Python 3.9, with no other library.
Whatever is wrong with any secret is said at once, one line for each, by name and never by value. Then the file of
before stays as it is, and the exit status is 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

Answer = dict[str, str]
"""A secret, or an error, as Secrets Manager answers."""

LIST = Path("/etc/fixrx/secrets.list")
"""One secret a line: environment variable and ARN."""
ENVIRONMENT_FILE = Path("/run/fixrx/secrets.env")
"""In a tmpfs."""
AT_ONCE = 20
"""BatchGetSecretValue takes no more."""
SECONDS_FOR_A_CALL = 60


class Unreadable(Exception):
    """What is wrong with a secret, or with a call for several."""


def main() -> int:
    arns = {line.split()[0]: line.split()[1] for line in LIST.read_text().splitlines()}
    values: dict[str, str] = {}
    problems: list[str] = []
    for variables in batches(list(arns)):
        try:
            found, errors = fetch([arns[variable] for variable in variables])
        except Unreadable as error:
            problems.append(f"the secrets {', '.join(variables)} cannot be read: {error}")
            continue
        for variable in variables:
            arn = arns[variable]
            try:
                values[variable] = text_of(found.get(arn), errors.get(arn), arn)
            except Unreadable as error:
                problems.append(f"the secret {variable} {error}")
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    write("".join(f"{variable}={quoted(value)}\n" for variable, value in values.items()))
    return 0


def batches(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]


def fetch(arns: Sequence[str]) -> tuple[Mapping[str, Answer], Mapping[str, Answer]]:
    """Return the secrets and the errors of one call, each by ARN. The output holds values: no message quotes it."""
    region = arns[0].split(":")[3]
    command = ["aws", "secretsmanager", "batch-get-secret-value", "--region", region, "--output", "json"]
    try:
        finished = subprocess.run(
            [*command, "--secret-id-list", *arns],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS_FOR_A_CALL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(f"no answer within {SECONDS_FOR_A_CALL} s") from None
    except OSError as error:
        raise Unreadable(f"the AWS CLI does not start: {error.strerror}") from None
    if finished.returncode != 0:
        said = finished.stderr.decode(errors="replace").split()
        raise Unreadable(" ".join(said) or f"the AWS CLI ended with {finished.returncode}")
    answer = json.loads(finished.stdout)
    secrets = {secret["ARN"]: secret for secret in answer.get("SecretValues", [])}
    return secrets, {error["SecretId"]: error for error in answer.get("Errors", [])}


def text_of(secret: Answer | None, error: Answer | None, arn: str) -> str:
    """Return the value of a secret. Line breaks at its end come from an editor and are no part of it."""
    if error and error["ErrorCode"] == "ResourceNotFoundException":
        raise Unreadable(f"has no value: aws secretsmanager put-secret-value --secret-id {arn}")
    if error:
        raise Unreadable(f"cannot be read: {error['ErrorCode']}: {error.get('Message', '')}")
    if secret is None:
        raise Unreadable("cannot be read: it is not in the answer of Secrets Manager")
    if "SecretString" not in secret:
        raise Unreadable(f"is binary; write it as text: aws secretsmanager put-secret-value --secret-id {arn}")
    value = secret["SecretString"].rstrip("\r\n")
    if not value.strip():
        raise Unreadable(f"is empty: aws secretsmanager put-secret-value --secret-id {arn}")
    # systemd leaves a variable out whose value has one, and says so in its journal only.
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n" for character in value):
        raise Unreadable("has a control character, such as the line breaks of Windows")
    return value


def quoted(value: str) -> str:
    """Inside double quotes systemd reads every character literally, line breaks too, except these four."""
    for special in ("\\", '"', "`", "$"):
        value = value.replace(special, f"\\{special}")
    return f'"{value}"'


def write(text: str) -> None:
    """Replace the file in one step, readable by root alone."""
    ENVIRONMENT_FILE.parent.mkdir(mode=0o700, exist_ok=True)
    new = ENVIRONMENT_FILE.with_suffix(".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(ENVIRONMENT_FILE)


if __name__ == "__main__":
    sys.exit(main())
