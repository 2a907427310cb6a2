"""A figure beside its aim and its control, and how both are told."""

import json
from pathlib import Path

import pytest

from benchmarks.figures import Aim, AtLeast, AtMost, Control, Exactly, Figure, Verdict
from benchmarks.report import cells, write_lines


def figure(value: float, aim: Aim | None = None) -> Figure:
    """A figure of so many events a second, twice as many as its control."""
    return Figure(
        name="apply", value=value, unit="events/s", aim=aim, control=Control("bare", value / 2)
    )


@pytest.mark.parametrize(
    ("value", "aim", "verdict"),
    [
        (10_000, AtLeast(10_000), Verdict.PASS),
        (9_999, AtLeast(10_000), Verdict.SHORT),
        (15, AtMost(15), Verdict.PASS),
        (15.1, AtMost(15), Verdict.SHORT),
        (1, Exactly(1), Verdict.PASS),
        (0, Exactly(1), Verdict.SHORT),
        (2, Exactly(1), Verdict.SHORT),
        (1, None, Verdict.TOLD),
    ],
)
def test_an_aim_is_reached_at_its_bound(value: float, aim: Aim | None, verdict: Verdict) -> None:
    """A figure that is exactly its aim passes, whichever way is better."""
    assert figure(value, aim).verdict is verdict


def test_a_control_of_nothing_gives_no_ratio() -> None:
    """A control that measured zero is told and compared with nothing."""
    bare = Figure(name="lost", value=3, unit="", control=Control("bare", 0))

    assert bare.ratio is None
    assert cells(bare)[3:5] == ("0 bare", "")


def test_a_row_tells_figure_aim_control_ratio_and_verdict() -> None:
    """Whoever reads a row needs no other to know what it means."""
    told = cells(figure(12_345, AtLeast(10_000)))

    assert told[:5] == ("apply", "12,345 events/s", "≥ 10,000", "6,172 bare", "× 2.00")
    assert "pass" in told[5]


def test_lines_are_one_json_object_each_after_the_circumstances(tmp_path: Path) -> None:
    """A run is kept as JSON lines that a program can compare with those of other runs."""
    path = tmp_path / "bench" / "run.jsonl"

    write_lines(path, {"machine": "any"}, [figure(5, AtMost(10)), figure(6)])

    circumstances, first, second = map(json.loads, path.read_text().splitlines())
    assert circumstances == {"machine": "any"}
    assert (first["value"], first["aim"], first["verdict"]) == (5, "≤ 10.0", "pass")
    assert (second["aim"], second["ratio"]) == (None, 2)
