"""A read with a token, when every announcement of the store is lost."""

import pytest

from benchmarks.token_silence import LATER_S, LOOK_LIMIT_S, waits

pytestmark = pytest.mark.steered_time

ROUNDING_S = 1e-5


async def test_a_wait_ends_within_the_longest_pause_between_looks() -> None:
    """Nobody announces anything, and yet every read shows its own write, from the projection."""
    silent = await waits(is_silent=True)

    assert len(silent) == len(LATER_S)
    assert max(one.overtime_s for one in silent) <= LOOK_LIMIT_S + ROUNDING_S
    assert {one.source for one in silent} == {"PROJECTION"}
    assert all(one.is_own_write for one in silent)


async def test_an_announced_event_ends_the_wait_at_once() -> None:
    """The control: with announcements no time passes between the event and the answer."""
    heard = await waits(is_silent=False)

    assert max(one.overtime_s for one in heard) <= ROUNDING_S
    assert all(one.is_own_write for one in heard)
