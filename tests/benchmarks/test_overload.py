"""An overload is told by what became of each request, counted from when it was due."""

import pytest

from benchmarks.figures import Verdict
from benchmarks.overload import Overload, figures_of
from benchmarks.overload_account import Outcome, goodput, normal_after_s, refusals


def answered(due_s: float, took_s: float = 0.01) -> Outcome:
    return Outcome(due_s, took_s, 200, is_whole=True)


def refused(due_s: float, took_s: float = 0.001, *, is_whole: bool = True) -> Outcome:
    return Outcome(due_s, took_s, 503, is_whole=is_whole)


def test_goodput_counts_what_was_answered_in_time() -> None:
    """Late answers, answers with errors and refusals are good for nobody."""
    outcomes = [
        answered(1.0),
        answered(1.5),
        answered(1.6, took_s=1.01),
        Outcome(1.7, 0.01, 200, is_whole=False),
        refused(1.8),
        answered(3.0),
    ]

    assert goodput(outcomes, 1.0, 3.0) == 1.0
    assert refusals(outcomes) == [refused(1.8)]


def test_normal_is_when_half_a_second_is_good() -> None:
    """The last failure before the first good half second ends the time; later ones do not count."""
    calm = [answered(10 + number / 10) for number in range(40)]

    assert normal_after_s(calm, 10.0) == 0.0
    assert normal_after_s([*calm, refused(10.25), refused(12.0)], 10.0) == pytest.approx(0.25)
    assert normal_after_s([refused(10 + number / 10) for number in range(20)], 10.0) == (
        pytest.approx(1.9)
    )


def test_figures_are_told_with_their_control() -> None:
    """A door that holds passes, and the gateway without one stands beside it."""
    held = [*(answered(n / 100) for n in range(1000)), *(refused(n / 50) for n in range(500))]
    late = [answered(n / 100, took_s=5.0) for n in range(1000)]

    figures = list(
        figures_of(Overload(100.0, 10.0, held, lost_count=0), Overload(100.0, 10.0, late, 0))
    )

    assert [figure.verdict for figure in figures] == [Verdict.PASS] * 4
    assert figures[0].control is not None
    assert figures[0].control.value == 0


def test_a_refusal_that_says_nothing_falls_short() -> None:
    """Each refusal has to say when to return."""
    silent = Overload(100.0, 10.0, [refused(1.0, is_whole=False)], 0)

    figures = {figure.name: figure for figure in figures_of(silent, silent)}

    assert figures["refusals that do not say when to return"].verdict is Verdict.SHORT
