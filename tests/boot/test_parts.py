"""The parts of `make boot` that need no virtual machine."""

import http.client
from pathlib import Path

import pytest

from boot import cache, metadata, timeline
from boot.emulator import AWKWARD, made_up_secret, searchable
from boot.image import mirror
from boot.server import failure_line
from boot.servers import serving
from boot.timeline import Event


def test_each_second_of_a_boot_belongs_to_one_step() -> None:
    events = [
        Event(at=50.0, step=timeline.PACKAGES),
        Event(at=10.0, step=timeline.SYSTEM),
        Event(at=25.0, step=timeline.CLOUD_INIT),
        Event(at=90.0, step=timeline.SERVICE),
        Event(at=60.0, step=timeline.SECRETS),
        Event(at=65.0, step=timeline.RELEASE),
        Event(at=70.0, step=timeline.SECRETS),
    ]

    shares = timeline.shares(events)

    assert list(shares) == list(timeline.ORDER)
    assert shares == {
        timeline.SYSTEM: 10,
        timeline.CLOUD_INIT: 15,
        timeline.PACKAGES: 25,
        timeline.FILES: 0,
        timeline.SECRETS: 15,
        timeline.RELEASE: 5,
        timeline.SERVICE: 20,
    }
    assert timeline.lines(shares)[-1].split() == ["power-on", "to", "first", "200", "90.0", "s"]


def test_secret_is_searched_by_what_is_found_nowhere_by_chance() -> None:
    value = made_up_secret()

    assert value.endswith(AWKWARD)
    assert searchable(value) == [value[:40]]
    assert searchable("postgresql://fixrx:Pass0word@database:5432/fixrx") == ["Pass0word"]
    assert searchable("redis://cache:6379") == ["redis://cache:6379"]


def test_reason_of_a_failed_boot_is_found_in_the_console() -> None:
    console = "[ 40.1] cloud-init[3]: waits\n[ 99.5] cloud-init[3]: FIXRX BOOT FAILED: no release\n[ 99.9] end\n"

    assert failure_line(console) == "FIXRX BOOT FAILED: no release"


def test_every_input_of_an_entry_changes_its_name() -> None:
    key = cache.key_of([("a", b"1"), ("b", b"2")])

    assert cache.key_of([("b", b"2"), ("a", b"1")]) == key
    for other in ([("a", b"1")], [("a", b"1"), ("b", b"3")], [("a", b"1"), ("c", b"2")], [("a", b"1b"), ("", b"2")]):
        assert cache.key_of(other) != key


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("sources.list", "deb [signed-by=/k.gpg] https://mirror.example/debian bookworm main"),
        ("sources.list", "deb https://mirror.example/debian bookworm main"),
        ("debian.sources", "URIs: https://mirror.example/debian"),
    ],
)
def test_packages_come_from_where_this_machine_gets_its_own(tmp_path: Path, name: str, line: str) -> None:
    (tmp_path / name).write_text(f"# a comment\n{line}\n")

    assert mirror([tmp_path]) == "https://mirror.example/debian"
    assert mirror([tmp_path / "nothing"]) == "http://deb.debian.org/debian"


def test_metadata_needs_a_token_where_the_launch_template_says_so() -> None:
    tree: dict[str, metadata.Node] = {
        "user-data": b"\x1f\x8b\x00",
        "meta-data": {"instance-id": b"i-1", "placement": {"region": b"us-east-1"}},
    }
    asked: list[str] = []
    with serving(metadata.service(tree, tokens_required=True, on_request=asked.append)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

        def ask(method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()

        assert ask("GET", "/latest/user-data", {}) == (401, b"")
        status, token = ask("PUT", "/latest/api/token", {})
        assert status == 200
        with_token = {metadata.TOKEN_HEADER: token.decode()}
        assert ask("GET", "/latest/user-data", with_token) == (200, b"\x1f\x8b\x00")
        assert ask("GET", "/2021-03-23/meta-data/", with_token) == (200, b"instance-id\nplacement/")
        assert ask("GET", "/latest/meta-data/placement/region", with_token) == (200, b"us-east-1")
        assert ask("GET", "/latest/meta-data/nothing", with_token) == (404, b"")
        connection.close()

    assert asked[:3] == ["/latest/user-data", "/latest/api/token", "/latest/user-data"]
