"""A deadline is a point on the event loop's clock."""

import asyncio

import pytest

from resolvers.upstream.deadline import Deadline

pytestmark = pytest.mark.steered_time


async def test_deadline_counts_down_with_the_loop() -> None:
    """What is left of a deadline shrinks exactly as loop time passes."""
    deadline = Deadline.after(2.0)

    await asyncio.sleep(0.5)

    assert deadline.remaining_s() == pytest.approx(1.5)
    assert not deadline.has_passed()


async def test_deadline_has_passed_at_its_very_instant() -> None:
    """At the deadline no time is left, and afterwards less than none."""
    deadline = Deadline.after(2.0)

    await asyncio.sleep(2.0)

    assert deadline.has_passed()
    assert deadline.remaining_s() <= 0
