"""The law of answers at hand: each is what the long way would answer now, byte for byte.

The controls are mistakes made on purpose (`at_hand_mistakes.py`).
"""

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.asked_both_ways import BothWays, Difference, Question
from tests.laws.at_hand_histories import (
    NEWS_ACTS,
    Shop,
    in_memory,
    live_by_all,
    live_through,
    on_steered_time,
    shared,
)
from tests.laws.at_hand_mistakes import MISTAKES, Mistake
from tests.laws.at_hand_questions import ORDER
from tests.laws.moved_projection import MovedProjection, Step, steps

HISTORY_COUNT = 20
"""Histories by seed in which there is enough of everything."""

SEARCH_LIMIT = 200
"""Histories in which a mistake has to show."""


@given(st.lists(steps(), min_size=3, max_size=25), st.integers(0, 10**6))
def test_an_answer_at_hand_is_the_long_way_s(history: Sequence[Step], seed: int) -> None:
    """Whatever has happened to the projection, whoever asks, with whatever token."""
    on_steered_time(lambda: live_through(history, seed))


@settings(max_examples=settings().max_examples // 2)
@given(st.lists(steps(NEWS_ACTS), min_size=3, max_size=25), st.integers(0, 10**6))
def test_so_it_is_over_a_shared_store(history: Sequence[Step], seed: int) -> None:
    """Be the news late or lost: rows at hand are the rows that the long way is shown."""
    on_steered_time(lambda: live_through(history, seed, shared))


@pytest.mark.parametrize(
    ("open_shop", "more", "found_ratio", "again_ratio"),
    [(in_memory, {}, 0.1, 0.05), (shared, NEWS_ACTS, 0.05, 0.01)],
    ids=["in memory", "shared"],
)
def test_the_law_is_not_idle(
    open_shop: Callable[[], Shop],
    more: Mapping[str, int],
    found_ratio: float,
    again_ratio: float,
) -> None:
    """In such histories many answers are at hand, and many of those are given again."""
    counts = live_by_all(range(HISTORY_COUNT), open_shop, more)

    assert counts.found > found_ratio * counts.asked, counts
    assert counts.again > again_ratio * counts.asked, counts


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.told)
def test_control_a_mistake_shows(mistake: Mistake) -> None:
    """Each mistake leads to an answer that is not the long way's, in some history."""
    with mistake.made(), pytest.raises(Difference):
        live_by_all(range(SEARCH_LIMIT))


@pytest.mark.parametrize("pair", [(1, True), ("1", 1), ("1", True), (1, 1.0)], ids=str)
@pytest.mark.parametrize("is_other_first", [False, True])
def test_what_is_equal_in_python_alone_shares_no_answer(
    pair: tuple[object, object], *, is_other_first: bool
) -> None:
    """`1`, `true`, `1.0` and `"1"` are four things to ask for."""

    async def ask() -> int:
        store = in_memory()
        await MovedProjection(store.moved).begin()
        both = BothWays(store.read)
        asked = [Question(ORDER, {"id": value}) for value in pair]
        for question in [*reversed(asked), *asked, *asked] if is_other_first else asked * 3:
            await both.the_long_way(question)
            await both.ask(question)
        return both.answers.again_count

    again_count = on_steered_time(ask)

    assert again_count == (2 if "1" in pair else 0)
