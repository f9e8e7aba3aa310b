"""Which checkouts a release is built from."""

from pathlib import Path

import pytest

from bootstrap.access import CommandError
from delivery.source import find_checkout
from tests.delivery.backend import commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "api" / "src").mkdir(parents=True)
    (folder / "api" / "src" / "server.js").write_text("serve\n")
    (folder / "api" / ".gitignore").write_text("dist/\n")
    (folder / "README.md").write_text("read\n")
    commit(folder)
    return folder


def exported(folder: Path, target: Path) -> list[str]:
    target.mkdir()
    find_checkout(folder).export(target)
    return sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())


def test_the_files_of_the_commit_are_exported_and_no_others(repository: Path, tmp_path: Path) -> None:
    (repository / "api" / "dist").mkdir()
    (repository / "api" / "dist" / "old.js").write_text("ignored by git")

    assert exported(repository, tmp_path / "out") == ["README.md", "api/.gitignore", "api/src/server.js"]


def test_a_part_of_a_repository_is_exported_as_the_whole(repository: Path, tmp_path: Path) -> None:
    assert exported(repository / "api", tmp_path / "out") == [".gitignore", "src/server.js"]


def test_the_commit_and_its_time_are_known(repository: Path) -> None:
    checkout = find_checkout(repository)

    assert checkout.commit == git(repository, "rev-parse", "HEAD").strip()
    assert checkout.committed_at == 1795680000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("api/src/server.js", "changed\n"),
        ("api/src/new.js", "new\n"),
        ("api/src/server.js", None),
        ("api/ä b", "new\n"),
    ],
    ids=["changed", "new", "deleted", "a name with a space"],
)
@pytest.mark.parametrize("added", [False, True], ids=["not added", "added"])
def test_an_uncommitted_change_stops_the_release(repository: Path, name: str, content: str | None, added: bool) -> None:
    if content is None:
        (repository / name).unlink()
    else:
        (repository / name).write_text(content)
    if added:
        git(repository, "add", "--all")

    with pytest.raises(CommandError) as raised:
        find_checkout(repository / "api")

    assert str(raised.value) == (
        f"A release is one commit, and these changes are not committed: {name}. Commit or remove them."
    )


def test_a_renamed_file_is_an_uncommitted_change(repository: Path) -> None:
    git(repository, "mv", "api/src/server.js", "api/src/renamed.js")

    with pytest.raises(CommandError, match=r"not committed: api/src/renamed\.js, api/src/server\.js\. Commit"):
        find_checkout(repository)


def test_of_many_changes_some_are_named(repository: Path) -> None:
    for number in range(8):
        (repository / f"{number}.js").write_text("new")

    with pytest.raises(CommandError, match=r"not committed: 0\.js, 1\.js, 2\.js, 3\.js, 4\.js and 3 more\. Commit"):
        find_checkout(repository)


def test_a_change_in_another_part_of_the_repository_does_not_matter(repository: Path) -> None:
    (repository / "README.md").write_text("changed\n")

    assert find_checkout(repository / "api").commit


def test_a_folder_without_repository_or_commit_or_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^git cannot read the commit in .+: not a git repository"):
        find_checkout(tmp_path)
    git(tmp_path, "init", "--quiet")
    with pytest.raises(CommandError, match=r"^git cannot read the commit in .+HEAD"):
        find_checkout(tmp_path)
    with pytest.raises(CommandError, match=r"is no folder; give the backend's checkout with --source\.$"):
        find_checkout(tmp_path / "nothing")


def test_submodules_are_refused(repository: Path, tmp_path: Path) -> None:
    (repository / ".gitmodules").write_text('[submodule "lib"]\n')
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "A submodule")

    with pytest.raises(CommandError, match="has submodules"):
        exported(repository, tmp_path / "out")


def test_a_link_out_of_the_checkout_is_refused(repository: Path, tmp_path: Path) -> None:
    (repository / "api" / "secrets").symlink_to("/etc/passwd")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "A link")

    with pytest.raises(CommandError, match=r"^api/secrets is a link to a place outside of the checkout; remove it\.$"):
        exported(repository, tmp_path / "out")
