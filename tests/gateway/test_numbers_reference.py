"""Numbers that are no settings are told all the same, each with its four companions."""

import pytest
from typer.testing import CliRunner

from gateway.__main__ import cli
from gateway.numbers_reference import Number, numbers_of
from gateway.settings import Settings

NUMBERS = {of.name: of for of in numbers_of(Settings())}


@pytest.mark.parametrize("number", NUMBERS.values(), ids=lambda number: number.name)
def test_every_number_has_unit_default_range_and_reason(number: Number) -> None:
    """Whoever adds one says all of it beside it, or this fails."""
    assert number.reason.endswith(".")
    assert number.default
    assert " to " in number.range or number.range == "true or false"
    assert number.unit or number.range == "true or false"


def test_a_number_is_told_with_the_words_below_it() -> None:
    """One source for what is checked, what is read and what is printed."""
    assert NUMBERS["upstream.breaker.break_cap_s"] == Number(
        name="upstream.breaker.break_cap_s",
        value="30",
        default="30",
        unit="s",
        range="break_s to 3600",
        reason="Seconds of the longest break. Thirty: after a long outage nobody waits for more "
        "than half a minute to be served again.",
    )


def test_what_follows_from_a_setting_is_told_as_it_is_now() -> None:
    """A circuit calls slow what takes half an attempt, however long that may be."""
    numbers = {of.name: of for of in numbers_of(Settings(attempt_timeout_s=3.0))}

    slow = numbers["upstream.breaker.slow_call_s"]
    assert (slow.value, slow.default) == ("1.5", "0.5")


def test_the_command_prints_them_behind_the_settings() -> None:
    """`bff settings` leaves no number of the fan-out out."""
    told = CliRunner().invoke(cli, ["settings"]).stdout

    for name in ("BFF_RETRIES", *NUMBERS):
        assert name in told
