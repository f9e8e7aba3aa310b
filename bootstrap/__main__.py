"""Make the bucket and the key of Pulumi's state in a stack's account: `python -m bootstrap --stack production`.

It is no Pulumi program, because a program's state would be in the bucket that it makes; with the state on a laptop
instead, the next person would start from nothing. Here the account itself is the state: each run looks at what is
there, adds what is missing, and repeats nothing. A second run says that all is there.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

from rich.markup import escape

from bootstrap.access import CommandError
from bootstrap.commands import access_to, bucket_name, init_command, login_command, tags
from bootstrap.console import exit_status, output
from bootstrap.feature import Feature, missing_features
from bootstrap.stack_file import StackFile, read_stack_file
from bootstrap.state_bucket import StateBucket
from bootstrap.state_key import StateKey


class Foundation(Protocol):
    """The bucket or the key."""

    def exists(self) -> bool: ...
    def create(self) -> None: ...
    def features(self) -> Sequence[Feature]: ...


def ensure(foundation: Foundation) -> Sequence[str]:
    """Create what does not exist, mend what is missing, and return what was done. Raises CommandError."""
    done = []
    if not foundation.exists():
        foundation.create()
        done.append("is new")
    for feature in missing_features(foundation.features()):
        feature.mend()
        done.append(feature.description)
    return done


def next_steps(file: StackFile, bucket: str, key: StateKey) -> str:
    """What to type next, up to the commit."""
    return f"""
Set in {file.file_name}, if it is not there yet:

  fixrx:continuous_integration:
    state_bucket: {bucket}
    state_key_arn: {key.arn}

Then run, once for this stack:

  {login_command(file, bucket)}
  {init_command(file, key.key_id)}
  git add {file.file_name}
  git commit -m "State of {file.stack}: backend and key"

`stack init` writes secretsprovider and encryptedkey into {file.file_name}. Both belong into the commit: without them
nobody else can read the stack's secrets. The key in it is encrypted.
"""


def run(stack: str) -> None:
    """Raises CommandError, InvalidSettings, and the errors of boto3."""
    file = read_stack_file(stack)
    access = access_to(file)
    access.identify()
    bucket = StateBucket(access, bucket_name(file), tags(file))
    key = StateKey(access, file.settings.continuous_integration.state_key_arn, tags(file))
    # Both are looked at before anything is made: a foreign name stops the command with nothing changed.
    if bucket.exists() and (region := bucket.region()) != access.region:
        raise CommandError(
            f"The bucket {bucket.name} is in {region}, and the stack's account.region is {access.region}: nothing was "
            "changed. Set continuous_integration.state_bucket to another name."
        )
    key.exists()
    for title, foundation in ((f"bucket {bucket.name}", bucket), ("key", key)):
        done = ensure(foundation)
        result = f"now {', '.join(done)}" if done else "all is there; nothing was changed"
        output.print(escape(f"The {title} of account {access.account_id}: {result}."))
    output.print(escape(next_steps(file, bucket.name, key)), end="")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bootstrap", description=__doc__)
    parser.add_argument("--stack", required=True, help="the stack whose account is prepared, for instance production")
    arguments = parser.parse_args()
    return exit_status(lambda: run(arguments.stack))


if __name__ == "__main__":
    sys.exit(main())
