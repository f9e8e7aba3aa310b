"""Releases that pods run: images in a repository of ECR, pinned by digest, against moto."""

import json
from pathlib import Path

import pytest
import yaml

from bootstrap.access import CommandError
from bootstrap.stack_file import read_stack_file
from delivery.__main__ import main
from delivery.images import repository_of
from delivery.pins import pin, promote, roll_back
from tests.delivery.account import client, make_bucket, put_release, serve, sha256_of, stack_files
from tests.layers.manifests import IMAGES

pytestmark = pytest.mark.usefixtures("account")
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return stack_files(tmp_path / "stacks")


def use(folder: Path, stack: str, runtime: str, **settings: str) -> None:
    """Let a stack run pods."""
    file = folder / f"Pulumi.{stack}.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"] |= {"fixrx:runtime": runtime, "fixrx:kubernetes": {**IMAGES, **settings}}
    file.write_text(yaml.safe_dump(content))


def pinned(folder: Path, stack: str = "production") -> str | None:
    return read_stack_file(stack, folder).settings.kubernetes.image_digest


def make_repository(stack: str = "production") -> None:
    client("ecr").create_repository(repositoryName=f"fixrx/{stack}/api")


def push(release: str, stack: str = "production") -> str:
    """An image whose content is its release; returns the digest."""
    config = {"mediaType": MANIFEST_TYPE, "size": 7, "digest": f"sha256:{sha256_of(release.encode())}"}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": []})
    image = client("ecr").put_image(
        repositoryName=f"fixrx/{stack}/api",
        imageManifest=manifest,
        imageTag=release,
        imageDigest=f"sha256:{sha256_of(manifest.encode())}",
    )["image"]
    return str(image["imageId"]["imageDigest"])


def prepare(digest: str) -> None:
    """What a deployment of pods notes before their migration."""
    client("ssm").put_parameter(Name="/fixrx/production/prepared", Value=digest, Type="String", Overwrite=True)


def test_a_pin_is_the_digest_of_the_image_with_that_tag(folder: Path) -> None:
    use(folder, "production", "kubernetes")
    make_repository()
    digest = push("1.4.0")
    push("1.5.0")

    change = pin("production", "1.4.0", folder)

    assert (change.old, change.new.release, change.changed) == (IMAGES["image_digest"], "1.4.0", True)
    assert pinned(folder) == digest
    assert pin("production", "1.4.0", folder).old == "1.4.0"


def test_both_runtimes_get_the_same_release_or_none(folder: Path) -> None:
    use(folder, "production", "both")
    make_repository()
    make_bucket("production")
    put_release("production", "1.4.0")

    with pytest.raises(CommandError, match=r"^The repository fixrx/production/api has no image of the release 1\.4\.0"):
        pin("production", "1.4.0", folder)
    assert read_stack_file("production", folder).settings.app_servers.release == "1.0.0"

    digest = push("1.4.0")
    pin("production", "1.4.0", folder)

    servers = read_stack_file("production", folder).settings.app_servers
    assert (servers.release, servers.release_sha256, pinned(folder)) == ("1.4.0", sha256_of(b"1.4.0"), digest)


def test_a_missing_repository_is_said(folder: Path) -> None:
    use(folder, "production", "kubernetes")

    with pytest.raises(CommandError, match=r"^There is no repository fixrx/production/api; the first deployment"):
        pin("production", "1.4.0", folder)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("444455556666.dkr.ecr.eu-west-1.amazonaws.com/fixrx-api", ("444455556666", "eu-west-1", "fixrx-api")),
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/api", ("111122223333", "us-east-1", "shop/api")),
    ],
)
def test_another_repository_of_ecr_is_asked_where_it_is(
    folder: Path, address: str, place: tuple[str, str, str]
) -> None:
    use(folder, "production", "kubernetes", image_repository=address)

    found = repository_of(read_stack_file("production", folder))

    assert (found.access.account_id, found.access.region, found.name) == place


def test_a_repository_elsewhere_cannot_be_asked(folder: Path) -> None:
    use(folder, "production", "kubernetes", image_repository="ghcr.io/fixrx/api")

    with pytest.raises(CommandError, match=r"^kubernetes\.image_repository is ghcr\.io/fixrx/api, which is no"):
        pin("production", "1.4.0", folder)


def test_promotion_takes_stagings_image_if_production_has_the_same(folder: Path) -> None:
    make_repository()
    digest = push("1.4.0")
    use(folder, "staging", "kubernetes", image_digest=digest)
    use(folder, "production", "kubernetes")

    change = promote("staging", "production", folder)

    assert (change.new.release, pinned(folder)) == ("1.4.0", digest)


def test_an_image_that_production_has_not_got_is_not_promoted(folder: Path) -> None:
    make_repository()
    push("1.4.0")
    other = f"sha256:{'1' * 64}"
    use(folder, "staging", "kubernetes", image_digest=other)
    use(folder, "production", "kubernetes")

    with pytest.raises(CommandError, match=f"^The repository fixrx/production/api has no image {other}; copy it"):
        promote("staging", "production", folder)
    assert pinned(folder) == IMAGES["image_digest"]


def test_what_staging_does_not_run_is_not_promoted(folder: Path) -> None:
    use(folder, "production", "both")

    with pytest.raises(CommandError, match=r"^production runs the API on pods and staging does not, so it has tried"):
        promote("staging", "production", folder)


def test_the_way_back_of_pods_is_the_image_before(folder: Path) -> None:
    make_repository()
    first, second = push("1.4.0"), push("1.5.0")
    for digest in (first, second):
        prepare(digest)
    use(folder, "production", "kubernetes", image_digest=second)

    change = roll_back("production", folder)

    assert (change.old, change.new.release, pinned(folder)) == ("1.5.0", "1.4.0", first)
    with pytest.raises(CommandError, match=f"^production has served no release before {first}; choose one"):
        roll_back("production", folder)


def test_the_way_back_of_both_is_the_release_that_servers_served(folder: Path) -> None:
    make_repository()
    make_bucket("production")
    for release in ("0.9.0", "1.0.0"):
        put_release("production", release)
        serve("production", release)
    digest = push("0.9.0")
    use(folder, "production", "both")

    change = roll_back("production", folder)

    servers = read_stack_file("production", folder).settings.app_servers
    assert (change.old, servers.release, pinned(folder)) == ("1.0.0", "0.9.0", digest)


def test_a_list_shows_the_images_and_which_is_deployed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_repository()
    digest = push("1.4.0")
    prepare(digest)
    use(folder, "production", "kubernetes", image_digest=digest)
    monkeypatch.setattr("delivery.release_commands.read_stack_file", lambda stack: read_stack_file(stack, folder))

    assert main(["release", "list", "--stack", "production"]) == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert "1.4.0" in shown and digest.removeprefix("sha256:")[:12] in shown
    assert "pinned, deployed" in shown


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        (None, "not scanned"),
        ({}, "nothing critical or high"),
        ({"findingSeverityCounts": {"CRITICAL": 2, "HIGH": 5, "LOW": 9}}, "2 critical, 5 high"),
    ],
)
def test_a_pin_says_what_the_scan_has_found(
    summary: object, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(folder, "production", "kubernetes")
    make_repository()
    digest = push("1.4.0")
    repository = repository_of(read_stack_file("production", folder))
    answer = repository.access.client("ecr").describe_images(
        repositoryName="fixrx/production/api", imageIds=[{"imageDigest": digest}]
    )
    monkeypatch.setattr(
        repository.access.client("ecr"),
        "describe_images",
        lambda **_: {"imageDetails": [{**answer["imageDetails"][0], "imageScanFindingsSummary": summary}]},
    )

    assert repository.find("1.4.0").scan == said
