"""Static files in the CDN's bucket, against moto: types, cache headers, order, dates, interruption and repetition."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.s3.models import s3_backends

from bootstrap.access import CommandError
from bootstrap.commands import access_to
from bootstrap.stack_file import read_stack_file
from delivery import assets
from delivery.__main__ import main
from delivery.assets import AssetsBucket, changes_of, find_distribution, invalidated_paths, publish
from delivery.assets_files import AssetFile, find_files, has_hash
from tests.delivery.account import ACCOUNTS, client

pytestmark = pytest.mark.usefixtures("account")
BUCKET = f"fixrx-assets-production-{ACCOUNTS['production']}"
DOMAIN = "static.fixrx.com"
KEPT = timedelta(days=30)
IMMUTABLE, REVALIDATED, NEVER = "public, max-age=31536000, immutable", "no-cache", "no-store"
SITE = {
    "index.html": "<script src=/assets/index-BxY3kd9a.js>",
    "404.html": "missing",
    "robots.txt": "User-agent: *",
    "assets/index-BxY3kd9a.js": "one()",
    "assets/index.8e0d62a3.css": "a{}",
}
LAST_WRITE = 9
"""Of the publication that is interrupted: two uploads, four files that left, two deletions, one invalidation."""


@pytest.fixture
def distribution() -> str:
    """The bucket and the distribution, as the stack makes them; returns the distribution's id."""
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return distribute(DOMAIN)


def distribute(domain: str) -> str:
    made = client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": domain,
            "Comment": "",
            "Enabled": True,
            "Aliases": {"Quantity": 1, "Items": [domain]},
            "Origins": {"Quantity": 1, "Items": [{"Id": "assets", "DomainName": "assets.s3.us-east-1.amazonaws.com"}]},
            "DefaultCacheBehavior": {"TargetOriginId": "assets", "ViewerProtocolPolicy": "redirect-to-https"},
        }
    )
    return str(made["Distribution"]["Id"])


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def bucket() -> AssetsBucket:
    access = access_to(read_stack_file("production"))
    access.identify()
    return AssetsBucket(access=access, name=BUCKET)


def run(folder: Path, *options: str) -> int:
    return main(["assets", "publish", "--stack", "production", str(folder), *options])


def keys(prefix: str = "") -> list[str]:
    found = client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [each["Key"] for each in found]


def invalidations(distribution: str) -> list[list[str]]:
    cloudfront = client("cloudfront")
    listed = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"].get("Items", [])
    return [
        sorted(
            cloudfront.get_invalidation(DistributionId=distribution, Id=each["Id"])["Invalidation"][
                "InvalidationBatch"
            ]["Paths"]["Items"]
        )
        for each in listed
    ]


def age(key: str, by: timedelta) -> None:
    """Make an object older than it is, which only the emulator can do."""
    stored = s3_backends[ACCOUNTS["production"]]["aws"].buckets[BUCKET].keys[key]
    stored.last_modified = stored.last_modified - by


def versions(key: str) -> int:
    found = client("s3").list_object_versions(Bucket=BUCKET, Prefix=key)
    return len(found.get("Versions", []))


@pytest.mark.parametrize(
    ("name", "content_type", "cache_control"),
    [
        ("index.html", "text/html; charset=utf-8", NEVER),
        ("about/index-8e0d62a3.html", "text/html; charset=utf-8", NEVER),
        ("sw.js", "text/javascript; charset=utf-8", REVALIDATED),
        ("assets/index-BxY3kd9a.js", "text/javascript; charset=utf-8", IMMUTABLE),
        ("assets/index-BxY3kd9a.js.map", "application/json", IMMUTABLE),
        ("assets/app-XK5P2QJM.mjs", "text/javascript; charset=utf-8", IMMUTABLE),
        ("main.8e0d62a3.chunk.css", "text/css; charset=utf-8", IMMUTABLE),
        ("8e0d62a3f1c94b7d.woff2", "font/woff2", IMMUTABLE),
        ("logo.SVG", "image/svg+xml", REVALIDATED),
        ("site.webmanifest", "application/manifest+json", REVALIDATED),
        ("favicon.ico", "image/x-icon", REVALIDATED),
        ("pkg/app_bg.wasm", "application/wasm", REVALIDATED),
        (".well-known/apple-app-site-association", "application/json", REVALIDATED),
        (".well-known/assetlinks.json", "application/json", REVALIDATED),
        ("data.unheard-of", "application/octet-stream", REVALIDATED),
        ("LICENSE", "application/octet-stream", REVALIDATED),
    ],
)
def test_a_file_has_its_type_and_how_long_it_may_be_kept(
    tmp_path: Path, distribution: str, name: str, content_type: str, cache_control: str
) -> None:
    assert run(write(tmp_path, {name: "x"})) == 0

    found = client("s3").head_object(Bucket=BUCKET, Key=f"site/{name}")
    assert (found["ContentType"], found["CacheControl"]) == (content_type, cache_control)


@pytest.mark.parametrize(
    "name",
    [
        "service-worker.js",
        "my-document.pdf",
        "report-20261126.pdf",
        "photo-iphone15.png",
        "photo-iPhone15.png",
        "Roboto-BoldItalic.woff2",
        "jquery-3.7.1.min.js",
        "deadbeef.css",
        "photo-550e8400-e29b-41d4-a716-44665544000f.jpg",
        "a1b2c3d4",
        "8e0d62a3/index.js",
    ],
)
def test_a_name_that_only_looks_like_a_hash_is_asked_for_again(name: str) -> None:
    assert not has_hash(name)


def test_a_pattern_says_which_names_have_a_hash(tmp_path: Path) -> None:
    write(tmp_path, {"assets/index-DiwrgTda.js": "", "index-BxY3kd9a.js": "", "assets/page.html": ""})

    assert {each.name: each.cache_control for each in find_files(tmp_path, "assets/*")} == {
        "assets/index-DiwrgTda.js": IMMUTABLE,
        "index-BxY3kd9a.js": REVALIDATED,
        "assets/page.html": NEVER,
    }


def test_new_files_are_there_before_a_page_names_them(
    tmp_path: Path, distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    upload = AssetsBucket.upload

    def noted(self: AssetsBucket, file: AssetFile) -> None:
        upload(self, file)
        done.append(file.name)

    monkeypatch.setattr(AssetsBucket, "upload", noted)
    real = assets.invalidate

    def invalidate(*arguments: Any) -> str:
        done.append("invalidated")
        return real(*arguments)

    monkeypatch.setattr(assets, "invalidate", invalidate)

    assert run(write(tmp_path, SITE)) == 0

    assert set(done[:2]) == {"assets/index-BxY3kd9a.js", "assets/index.8e0d62a3.css"}
    assert done[2] == "robots.txt"
    assert set(done[3:5]) == {"404.html", "index.html"}
    assert done[5:] == ["invalidated"]


def test_what_has_no_hash_is_invalidated_changed_or_not(tmp_path: Path, distribution: str) -> None:
    site = write(tmp_path, {**SITE, "a file*.txt": ""})

    assert (run(site), run(site)) == (0, 0)

    assert invalidations(distribution) == [["/", "/404.html", "/a%20file%2A.txt", "/index.html", "/robots.txt"]] * 2


def test_very_many_paths_are_invalidated_as_one() -> None:
    def files(count: int) -> list[AssetFile]:
        return [
            AssetFile(path=Path(), name=f"{number}.txt", content_type="text/plain", cache_control=REVALIDATED)
            for number in range(count)
        ]

    assert len(invalidated_paths(files(2999), ["gone.txt"])) == 3000
    assert invalidated_paths(files(3000), ["gone.txt"]) == ["/*"]


def test_what_is_there_is_not_uploaded_again(
    tmp_path: Path, distribution: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site = write(tmp_path, SITE)
    assert run(site) == 0
    (site / "index.html").write_text("changed")

    assert run(site) == 0

    counts = {key: versions(key) for key in keys("site/")}
    assert counts == {f"site/{name}": 1 + (name == "index.html") for name in SITE}
    assert "https://static.fixrx.com has 5 files: 1 uploaded, 4 unchanged, 0 no longer published, 0 deleted." in (
        " ".join(capsys.readouterr().out.split())
    )


def test_other_headers_are_a_change(tmp_path: Path, distribution: str) -> None:
    site = write(tmp_path, {"index-BxY3kd9a.js": "x"})
    client("s3").put_object(Bucket=BUCKET, Key="site/index-BxY3kd9a.js", Body=b"x", ContentType="text/plain")

    assert run(site) == 0

    assert client("s3").head_object(Bucket=BUCKET, Key="site/index-BxY3kd9a.js")["CacheControl"] == IMMUTABLE


def test_a_file_that_left_is_deleted_after_thirty_days(tmp_path: Path, distribution: str) -> None:
    site = write(tmp_path, SITE)
    assert run(site) == 0
    (site / "assets/index-BxY3kd9a.js").unlink()
    (site / "robots.txt").unlink()
    assert run(site) == 0
    left = ["assets/index-BxY3kd9a.js", "robots.txt"]
    assert keys("left/") == [f"left/{name}" for name in left]
    since = max(bucket().published().left.values())

    early = changes_of(bucket(), find_files(site), since + KEPT - timedelta(seconds=5), KEPT)
    due = changes_of(bucket(), find_files(site), since + KEPT, KEPT)

    assert (early.deletions, due.deletions) == ([], left)
    assert (early.leaves, early.returns) == ([], [])
    assert "/robots.txt" in due.invalidated
    publish(bucket(), distribution, due)
    assert keys() == sorted(f"site/{name}" for name in SITE if name not in left)


def test_a_file_that_comes_back_stays(tmp_path: Path, distribution: str) -> None:
    site = write(tmp_path, SITE)
    assert run(site) == 0
    (site / "robots.txt").unlink()
    assert run(site) == 0
    write(site, SITE)

    changes = changes_of(bucket(), find_files(site), datetime.now(UTC) + 10 * KEPT, KEPT)
    publish(bucket(), distribution, changes)

    assert (changes.returns, changes.deletions, changes.uploads) == (["robots.txt"], [], [])
    assert keys() == sorted(f"site/{name}" for name in SITE)


def test_the_date_is_that_of_the_first_time(tmp_path: Path, distribution: str) -> None:
    site = write(tmp_path, SITE)
    assert run(site) == 0
    (site / "robots.txt").unlink()

    assert [run(site) for _ in range(3)] == [0, 0, 0]

    assert versions("left/robots.txt") == 1


@pytest.mark.parametrize("failing", range(1, LAST_WRITE + 2))
def test_a_publication_that_was_interrupted_is_finished_by_the_next(
    tmp_path: Path, distribution: str, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """It is interrupted at each of its writes in turn, and no page is ever without the files that it names."""
    old = write(tmp_path / "old", {**SITE, "gone.txt": "old", "index.html": "old"})
    assert run(old) == 0
    (old / "gone.txt").unlink()
    assert run(old) == 0
    new = write(
        tmp_path / "new", {"index.html": "<script src=/assets/index-Q7w3EdkZ.js>", "assets/index-Q7w3EdkZ.js": "two()"}
    )
    age("left/gone.txt", KEPT)
    interrupted, calls = bucket(), [0]
    monkeypatch.setattr(assets, "UPLOADS_AT_ONCE", 1)
    for service, name in (
        ("s3", "put_object"),
        ("s3", "delete_objects"),
        ("cloudfront", "create_invalidation"),
    ):
        real = getattr(interrupted.access.client(service), name)

        def counted(real: Any = real, **request: Any) -> Any:
            calls[0] += 1
            if calls[0] == failing:
                raise KeyboardInterrupt
            return real(**request)

        monkeypatch.setattr(interrupted.access.client(service), name, counted)

    def attempt() -> None:
        publish(interrupted, distribution, changes_of(interrupted, find_files(new), datetime.now(UTC), KEPT))

    if failing <= LAST_WRITE:
        with pytest.raises(KeyboardInterrupt):
            attempt()
        page = client("s3").get_object(Bucket=BUCKET, Key="site/index.html")["Body"].read().decode()
        assert page == "old" or "site/assets/index-Q7w3EdkZ.js" in keys()
    attempt()

    gone_from_new = [name for name in SITE if name != "index.html"]
    assert keys("site/") == sorted(
        f"site/{name}" for name in [*gone_from_new, "index.html", "assets/index-Q7w3EdkZ.js"]
    )
    assert keys("left/") == sorted(f"left/{name}" for name in gone_from_new)
    assert invalidations(distribution)[-1] != []


def test_a_changed_file_whose_name_has_a_hash_is_refused(tmp_path: Path, distribution: str) -> None:
    site = write(tmp_path, SITE)
    assert run(site) == 0
    write(site, {"assets/index-BxY3kd9a.js": "other()", "index.html": "new"})

    with pytest.raises(CommandError) as raised:
        changes_of(bucket(), find_files(site), datetime.now(UTC), KEPT)

    assert str(raised.value) == (
        "assets/index-BxY3kd9a.js is published with another content, and its name looks as if it had a hash of the "
        "content, so browsers keep the old one for a year: rename it, or say with --hashed which names have one."
    )
    assert run(site) == 1
    assert versions("site/index.html") == 1


def test_a_dry_run_changes_nothing(tmp_path: Path, distribution: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write(tmp_path, SITE), "--dry-run") == 0

    said = " ".join(capsys.readouterr().out.split())
    assert "Would be uploaded: assets/index-BxY3kd9a.js (text/javascript; charset=utf-8; public, max-age=" in said
    assert "Would be invalidated: /robots.txt" in said
    assert said.endswith("Nothing was changed.")
    assert (keys(), invalidations(distribution)) == ([], [])


def test_hidden_files_stay_at_home(tmp_path: Path) -> None:
    write(tmp_path, {".env": "", ".git/config": "", "a/.DS_Store": "", ".well-known/security.txt": "", "a/b.txt": ""})

    assert [each.name for each in find_files(tmp_path)] == [".well-known/security.txt", "a/b.txt"]


def test_what_cannot_be_published_is_said_in_a_sentence(tmp_path: Path, distribution: str) -> None:
    empty, linked = tmp_path / "empty", write(tmp_path / "linked", {"a.txt": ""})
    empty.mkdir()
    (linked / "b.txt").symlink_to("/etc/passwd")

    for directory, sentence in (
        (tmp_path / "missing", "is not a directory; give the one that the build wrote"),
        (empty, "has no files; publishing it would remove everything that is published"),
        (linked, "b.txt is a symbolic link, which may lead outside"),
    ):
        with pytest.raises(CommandError, match=sentence):
            find_files(directory)
        assert run(directory) == 1
    assert keys() == []


def test_a_stack_that_is_not_deployed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    distribute("static.shop.com")
    with pytest.raises(CommandError, match=r"^There is no distribution for static.fixrx.com in the account; deploy"):
        find_distribution(bucket().access, DOMAIN)
    with pytest.raises(CommandError, match=f"^There is no bucket {BUCKET}; deploy the stack first"):
        bucket().published()

    assert run(write(tmp_path, SITE)) == 1
    assert "There is no distribution for static.fixrx.com" in " ".join(capsys.readouterr().err.split())


def test_the_distribution_is_found_by_its_domain(distribution: str) -> None:
    distribute("static.shop.com")

    assert find_distribution(bucket().access, DOMAIN) == distribution
