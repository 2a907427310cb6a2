"""Peers are pinned without addresses, and what their clients see is told in few words."""

import json
from pathlib import Path

import pytest

from benchmarks.peers import pinning
from benchmarks.peers.failures import CAP_S, Seen, describe, told_time
from benchmarks.peers.measuring import cell, failure_table
from scripts.client_packages import named
from scripts.playground_assets import parse_lock

PACKAGES = json.loads((Path(pinning.__file__).parent / "package.json").read_text())


def test_the_lock_pins_what_the_package_file_names() -> None:
    """At these very versions, by hash, and without a word of where packages come from."""
    text = pinning.LOCK.read_text()
    versions = {pin.name: pin.version for pin in parse_lock(text)}

    assert PACKAGES["dependencies"].items() <= versions.items()
    assert all(pin.integrity.startswith("sha512-") for pin in parse_lock(text))
    assert "://" not in text


def test_a_package_is_pinned_by_its_place() -> None:
    """What one package alone uses lies below it, and is fetched by its own name."""
    lock = pinning.render_lock(
        {
            "": {},
            "node_modules/@a/b": {"version": "1.0.0", "integrity": "sha512-x"},
            "node_modules/@a/b/node_modules/@c/d": {"version": "2.0.0", "integrity": "sha512-y"},
        }
    )

    pins = parse_lock(lock)

    assert [pin.name for pin in pins] == ["@a/b", "@a/b/node_modules/@c/d"]
    assert [named(pin) for pin in pins] == ["@a/b@1.0.0", "@c/d@2.0.0"]


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (200, {"data": {"order": {"items": [{"product": {}}]}}}, "200, all"),
        (
            200,
            {"data": {"order": {"items": [{"product": None}]}}, "errors": [{}, {}]},
            "200, all but products, 2 errors",
        ),
        (500, {}, "500, no order"),
        (200, {"data": None, "errors": [{}]}, "200, no order, 1 error"),
    ],
)
def test_an_answer_is_told_by_what_is_there(
    status: int, answer: dict[str, object], words: str
) -> None:
    """Status, which part of the order is shown, and how many errors are told."""
    assert describe(status, answer) == words


def test_who_waits_too_long_is_not_watched_to_the_end() -> None:
    """A time at the cap is told as longer than that."""
    assert str(Seen("nothing", CAP_S)) == "nothing, > 10 s"
    assert told_time(0.004) == "4 ms"


def test_a_failure_is_a_column_and_a_gateway_a_line() -> None:
    """What could not be measured says so."""
    seen = Seen("200, all", 0.02)
    table = failure_table({"ours": {"fails": seen, "hangs": seen, "refuses": seen, "slow": None}})

    assert table.splitlines()[-1] == f"| ours | {seen} | {seen} | {seen} | {cell(None)} |"
