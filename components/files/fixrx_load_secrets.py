#!/usr/bin/python3 -I
"""Writes the values of the application's secrets to memory, as an environment file that systemd reads.

It runs as root before each start and each reload of the service, on the system's Python 3.9, with no other library.
Whatever is wrong with any secret is said at once, one line for each, by name and never by value. Then the file of
before stays as it is, and the exit status is 1.

With --changed it writes no value: 0 says that the file would become another, 1 that it would not, and 255 that
something is wrong. systemd understands these of an ExecCondition: 1 to 254 skip the unit, 255 fails it. With
--namespace it also tells CloudWatch for how long the file was not known to be right.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import traceback
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

Answer = dict[str, str]
"""A secret, or an error, as Secrets Manager answers."""

LIST = Path("/etc/fixrx/secrets.list")
"""One secret a line: environment variable and ARN."""
ENVIRONMENT_FILE = Path("/run/fixrx/secrets.env")
"""In a tmpfs."""
CONFIRMED = Path("/run/fixrx/secrets.confirmed")
"""Its time is that of the last look that found nothing new."""
INSTANCE = Path("/var/lib/cloud/data/instance-id")
AT_ONCE = 20
"""BatchGetSecretValue takes no more."""
SECONDS_FOR_A_CALL = 60
PUT = "aws secretsmanager put-secret-value --secret-id"
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Unreadable(Exception):
    """What is wrong with a secret, or with a call for several."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--changed", action="store_true")
    parser.add_argument("--namespace")
    options = parser.parse_args()
    status = 255 if options.changed else 1
    try:
        text = environment()
        if options.changed:
            status = int(ENVIRONMENT_FILE.exists() and ENVIRONMENT_FILE.read_bytes() == text.encode())
        else:
            write(text)
            status = 0
    except Unreadable as error:
        print(error, file=sys.stderr)
    except Exception:  # Or Python's own status would be 1, which says that nothing has changed.
        traceback.print_exc()
    if options.namespace:
        report(options.namespace, status == 1)
    return status


def report(namespace: str, same: bool) -> None:
    """Tell CloudWatch, of all servers and of this one. Its alarm takes silence for a failure."""
    try:
        value = {"MetricName": "SecretsBehindSeconds", "Value": seconds_behind(same), "Unit": "Seconds"}
        server = {"Name": "InstanceId", "Value": INSTANCE.read_text().strip()}
        data = json.dumps([value, {**value, "Dimensions": [server]}])
        region = region_of(LIST.read_text().split()[1])
        command = ["aws", "cloudwatch", "put-metric-data", *region, "--namespace", namespace, "--metric-data", data]
        subprocess.run(command, timeout=20, check=True)
    except Exception as error:
        print(f"CloudWatch is not told: {error}", file=sys.stderr)


def seconds_behind(same: bool) -> int:
    """Return for how long the file was not known to be right; the first look begins to count."""
    if same or not CONFIRMED.exists():
        CONFIRMED.parent.mkdir(mode=0o700, exist_ok=True)
        CONFIRMED.touch()
    return max(0, round(time.time() - CONFIRMED.stat().st_mtime))


def environment() -> str:
    """Return what the file must say. Raises Unreadable with all that is wrong."""
    arns = {line.split()[0]: line.split()[1] for line in LIST.read_text().splitlines()}
    values: dict[str, str] = {}
    problems: list[str] = []
    for names in batches(list(arns)):
        try:
            found, errors = fetch([arns[name] for name in names])
        except Unreadable as error:
            problems.append(f"the secrets {', '.join(names)} cannot be read: {error}")
            continue
        for name in names:
            arn = arns[name]
            try:
                variables = variables_of(name, text_of(found.get(arn), errors.get(arn), arn), arn)
            except Unreadable as error:
                problems.append(f"the secret {name} {error}")
                continue
            for variable, value in variables.items():
                try:
                    if variable != name:
                        require_new(variable, arns.keys() | values.keys())
                    values[variable] = checked(value, arn)
                except Unreadable as error:
                    shown = variable if VARIABLE.fullmatch(variable) else repr(variable)
                    key = "" if variable == name else f"has the key {shown}, which "
                    problems.append(f"the secret {name} {key}{error}")
    if problems:
        raise Unreadable("\n".join(problems))
    return "".join(f"{variable}={quoted(value)}\n" for variable, value in values.items())


def batches(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]


def region_of(arn: str) -> Sequence[str]:
    return ["--region", arn.split(":")[3]]


def fetch(arns: Sequence[str]) -> tuple[Mapping[str, Answer], Mapping[str, Answer]]:
    """Return the secrets and the errors of one call, each by ARN. The output holds values: no message quotes it."""
    command = ["aws", "secretsmanager", "batch-get-secret-value", *region_of(arns[0]), "--output", "json"]
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
    try:
        answer = json.loads(finished.stdout)
    except ValueError:
        raise Unreadable("the AWS CLI's answer is no JSON") from None
    secrets = {secret["ARN"]: secret for secret in answer.get("SecretValues", [])}
    return secrets, {error["SecretId"]: error for error in answer.get("Errors", [])}


def text_of(secret: Answer | None, error: Answer | None, arn: str) -> str:
    """Return a secret as it is kept."""
    if error and error["ErrorCode"] == "ResourceNotFoundException":
        raise Unreadable(f"has no value: {PUT} {arn}")
    if error:
        raise Unreadable(f"cannot be read: {error['ErrorCode']}: {error.get('Message', '')}")
    if secret is None:
        raise Unreadable("cannot be read: it is not in the answer of Secrets Manager")
    if "SecretString" not in secret:
        raise Unreadable(f"is binary; write it as text: {PUT} {arn}")
    return secret["SecretString"]


def variables_of(name: str, text: str, arn: str) -> Mapping[str, object]:
    """Return the variables that a secret stands for, with values that are not checked yet.

    It is one variable, or several if it is a JSON object whose keys all begin with the secret's name: a key that signs
    with those before and after it. Other JSON, such as an account of a vendor, is one value.
    """
    try:
        parsed = json.loads(text)
    except ValueError:
        return {name: text}
    if not isinstance(parsed, dict) or not parsed or not all(key.startswith(name) for key in parsed):
        return {name: text}
    if name not in parsed:
        raise Unreadable(f"is a JSON object of variables without {name} itself: {PUT} {arn}")
    return parsed


def require_new(variable: str, others: Collection[str]) -> None:
    """Raises Unreadable for a key that cannot be a variable of the secret's own."""
    if not VARIABLE.fullmatch(variable):
        raise Unreadable("is no name of a variable")
    if variable in others:
        raise Unreadable("is another secret's variable as well")


def checked(value: object, arn: str) -> str:
    """Return a value. Line breaks at its end come from an editor and are no part of it."""
    if not isinstance(value, str):
        raise Unreadable(f"is no text: {PUT} {arn}")
    value = value.rstrip("\r\n")
    if not value.strip():
        raise Unreadable(f"is empty: {PUT} {arn}")
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
