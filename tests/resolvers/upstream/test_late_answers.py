"""Answers that land after newer ones: the fence by version, and what becomes of readers without it.

Somebody's call is on its way when a row is written; it lands with the row of before.
"""

from unittest.mock import patch

import pytest

from resolvers.upstream.options import SharingOptions
from tests.gateway_in_process import pass_time
from tests.resolvers.upstream.sharing import CALL_S, lamp, number_of, open_house

pytestmark = pytest.mark.steered_time

KEEPING = SharingOptions(fresh_s=1.0)


async def told_after_a_late_landing() -> int | None:
    """The version that a reader is told who asks when both the write and the late call are in."""
    async with open_house(lamp(1), options=KEEPING) as house:
        late = house.reader()
        await pass_time(CALL_S / 2)
        house.owners.own(lamp(2))
        await house.shared.put_newer(lamp(2))
        await late
        return number_of(await house.reader())


async def test_a_late_answer_does_not_take_the_place_of_a_newer_one() -> None:
    """What was written stays what is told."""
    assert await told_after_a_late_landing() == 2


async def test_control_without_the_fence_the_late_answer_undoes_the_write() -> None:
    """The control: whatever lands last is kept, and the row goes back in time for everybody."""
    with patch("resolvers.upstream.response_cache.replaces", return_value=True):
        assert await told_after_a_late_landing() == 1
