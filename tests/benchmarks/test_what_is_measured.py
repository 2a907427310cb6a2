"""What the command line asks to be measured: groups, some of a group, and things by name."""

import pytest

from benchmarks.__main__ import GROUPS, parse

FAULTS = list(GROUPS["faults"])


@pytest.mark.parametrize(
    ("words", "measured"),
    [
        ([], list(GROUPS["events"])),
        (["--only", "faults"], FAULTS),
        (["--only", "faults", "--only", "overload"], ["overload"]),
        (
            ["--only", "faults", "--only", "overload", "--only", "circuits"],
            ["overload", "circuits"],
        ),
        (["--only", "faults", "--only", "speed"], [*FAULTS, "speed"]),
        (["--only", "speed"], ["speed"]),
    ],
    ids=["nothing", "a group", "one of it", "two of it", "another beside it", "one"],
)
def test_of_a_group_those_are_measured_that_are_named(
    words: list[str], measured: list[str]
) -> None:
    """So `make bench-faults ARGS="--only overload"` takes as long as that one."""
    assert parse(words).only == measured
