"""The steered clock that the other tests rely on: what it promises, and where it stays away."""

import asyncio
import time

import pytest

AN_HOUR_S = 3600.0
A_MOMENT_S = 5.0


@pytest.mark.steered_time
async def test_an_hour_of_sleep_takes_no_time() -> None:
    """When everybody waits, the clock jumps to whoever wakes first."""
    loop = asyncio.get_running_loop()
    began_at_s, really_began_at_s = loop.time(), time.monotonic()

    await asyncio.sleep(AN_HOUR_S)

    assert loop.time() - began_at_s == pytest.approx(AN_HOUR_S)
    assert time.monotonic() - really_began_at_s < A_MOMENT_S


@pytest.mark.steered_time
async def test_a_time_limit_ends_at_its_exact_instant() -> None:
    """A limit of a quarter of a second fires then, not a moment sooner or later."""
    loop = asyncio.get_running_loop()
    began_at_s = loop.time()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.25):
            await asyncio.Event().wait()

    assert loop.time() - began_at_s == pytest.approx(0.25, abs=1e-6)


@pytest.mark.steered_time
async def test_sleepers_wake_in_the_order_of_their_alarms() -> None:
    """The clock never jumps over anybody: the earlier alarm rings first, each at its own time."""
    loop = asyncio.get_running_loop()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        woken.append((name, round(loop.time(), 3)))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("late", 20.0))
        group.create_task(sleeper("early", 10.0))

    assert woken == [("early", 10.0), ("late", 20.0)]


@pytest.fixture
async def loop_of_a_fixture() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.mark.steered_time
async def test_fixtures_live_on_the_same_clock(
    loop_of_a_fixture: asyncio.AbstractEventLoop,
) -> None:
    """What a fixture opens belongs to the loop that the test steers."""
    assert loop_of_a_fixture is asyncio.get_running_loop()


async def test_without_the_marker_time_is_real() -> None:
    """The control: an unmarked test sleeps as long as it says."""
    really_began_at_s = time.monotonic()

    await asyncio.sleep(0.02)

    assert time.monotonic() - really_began_at_s >= 0.02
