"""The manifests of the pods, for tools that read YAML: `python -m tests.layers.manifests --stack production`.

One file for each resource, as the program registers it. A name with something random in it ends in -0a1b2c3d here.
What a stack's file does not say about images stands as zeros, and a stack without pods is written as if it had both.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.recorder import REPOSITORY, Recording, record_stack, stack_configuration

DIGEST = f"sha256:{'0' * 64}"
IMAGES = {"image_digest": DIGEST, "proxy_image": f"public.ecr.aws/nginx/nginx-unprivileged@{DIGEST}"}
TARGET = REPOSITORY / ".manifests"
CHARTS = "kubernetes:helm.sh/v3:Release"
"""Not a manifest: what a chart expands to is made in the cluster."""


def manifests_of(recording: Recording) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a file's name and the manifest in it."""
    for each in recording.registrations:
        if each.type.startswith("kubernetes:") and each.type != CHARTS:
            yield f"{each.plain['kind'].lower()}-{each.plain['metadata']['name']}.yaml", _whole(each.plain)


def record(stack: str) -> Recording:
    """Run the program with the stack's file, with pods."""
    configuration = stack_configuration(stack)
    own = yaml.safe_load(configuration.get("fixrx:kubernetes", "{}"))
    runtime = configuration.get("fixrx:runtime", "app_servers")
    return record_stack(
        stack, {"runtime": "both" if runtime == "app_servers" else runtime, "kubernetes": {**IMAGES, **own}}
    )


def write(stack: str, target: Path) -> int:
    """Write the manifests of a stack into an empty folder, and return how many there are."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    found = dict(manifests_of(record(stack)))
    for name, manifest in found.items():
        (target / name).write_text(yaml.safe_dump(manifest, sort_keys=False, width=120))
    return len(found)


def _whole(value: Any) -> Any:
    """Return a value with whole numbers whole: Pulumi hands all numbers over with a fraction."""
    if isinstance(value, Mapping):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.layers.manifests", description=__doc__)
    parser.add_argument("--stack", default="production", help="production or staging")
    options = parser.parse_args(arguments)
    target = TARGET / options.stack
    print(f"wrote {write(options.stack, target)} manifests into {target.relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
