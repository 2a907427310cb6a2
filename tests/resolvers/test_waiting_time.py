"""How long an operation has waited: the time in which any of its fields did."""

import asyncio

import pytest

from resolvers.waited_time import WaitedTime

pytestmark = pytest.mark.steered_time


async def wait_from(waited: WaitedTime, start_s: float, end_s: float) -> None:
    await asyncio.sleep(start_s)
    with waited.running():
        await asyncio.sleep(end_s - start_s)


@pytest.mark.parametrize(
    ("spans_s", "total_s"),
    [
        ([], 0.0),
        ([(0.1, 0.3)], 0.2),
        ([(0.0, 0.1), (0.2, 0.3)], 0.2),
        ([(0.0, 0.2), (0.0, 0.2), (0.0, 0.2)], 0.2),
        ([(0.0, 0.2), (0.1, 0.4)], 0.4),
        ([(0.0, 0.5), (0.1, 0.2)], 0.5),
        ([(0.0, 0.1), (0.1, 0.2)], 0.2),
    ],
    ids=["none", "one", "in turn", "together", "overlapping", "within", "end to end"],
)
async def test_time_is_counted_once(spans_s: list[tuple[float, float]], total_s: float) -> None:
    """Waits in turn add up, waits at the same time do not."""
    waited = WaitedTime()

    async with asyncio.TaskGroup() as group:
        for start_s, end_s in spans_s:
            group.create_task(wait_from(waited, start_s, end_s))

    assert waited.total_s == pytest.approx(total_s)


async def test_wait_under_way_counts_up_to_now() -> None:
    """Who comes later gets what is left, and not a budget of her own."""
    waited = WaitedTime()

    with waited.running():
        await asyncio.sleep(0.1)
        so_far_s = waited.total_s
        await asyncio.sleep(0.1)

    assert so_far_s == pytest.approx(0.1)
    assert waited.total_s == pytest.approx(0.2)


async def test_wait_that_is_given_up_counts_until_then() -> None:
    """A cancelled wait has taken its time too."""
    waited = WaitedTime()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(wait_from(waited, 0.0, 9.0))
        await asyncio.sleep(0.1)
        waiting.cancel()

    await asyncio.sleep(1.0)

    assert waited.total_s == pytest.approx(0.1)
