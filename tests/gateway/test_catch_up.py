import asyncio
from collections.abc import Mapping

import pytest

from gateway.catch_up import CatchUp, SourceProgress
from projections.consumer import BatchApplied, SourceFailed, SourceRestarted
from projections.errors import LogReplaced, SourceUnavailable
from projections.positions import Partition, SourcePosition
from tests.resolvers.upstream.builders import let_everybody_run

pytestmark = pytest.mark.steered_time

Told = Mapping[str, SourceProgress]


def applied(source: str, count: int, *, remaining: int | None) -> BatchApplied:
    position = SourcePosition("c", 0.0, is_caught_up=remaining == 0, remaining_count=remaining)
    return BatchApplied(
        Partition(source), position, event_count=count, applied_count=count, gap_count=0
    )


class Follower:
    """Somebody who watches to the end; ``told`` is what she has seen so far."""

    def __init__(self, catch_up: CatchUp, *, pause_s: float = 0.0) -> None:
        self.told: list[Told] = []
        self._catch_up = catch_up
        self._pause_s = pause_s

    async def run(self) -> None:
        async for progress in self._catch_up.follow():
            self.told.append(progress)
            await asyncio.sleep(self._pause_s)


async def test_progress_is_told_at_once_and_after_every_change() -> None:
    """A follower sees the state now, each batch, and the end of it, then is let go."""
    catch_up = CatchUp(("orders",))
    follower = Follower(catch_up)
    async with asyncio.TaskGroup() as group:
        group.create_task(follower.run())
        await let_everybody_run()
        catch_up.observe(applied("orders", 500, remaining=100))
        await let_everybody_run()
        catch_up.observe(applied("orders", 100, remaining=0))

    assert [of["orders"].applied_count for of in follower.told] == [0, 500, 600]
    assert follower.told[-1]["orders"].is_caught_up


async def test_the_end_is_told_even_if_it_comes_while_the_follower_is_busy() -> None:
    """What happens while a follower draws her bar is told to her next, the last state above all."""
    catch_up = CatchUp(("orders",))
    follower = Follower(catch_up, pause_s=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(follower.run())
        await let_everybody_run()
        catch_up.observe(applied("orders", 500, remaining=100))
        catch_up.observe(applied("orders", 100, remaining=0))

    assert [of["orders"].applied_count for of in follower.told] == [0, 600]


async def test_two_followers_do_not_take_each_other_s_news() -> None:
    """Each follower is told the end, however fast the other one is."""
    catch_up = CatchUp(("orders",))
    fast, slow = Follower(catch_up), Follower(catch_up, pause_s=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(slow.run())
        group.create_task(fast.run())
        await let_everybody_run()
        catch_up.observe(applied("orders", 5, remaining=5))
        await let_everybody_run()
        catch_up.observe(applied("orders", 5, remaining=0))

    assert fast.told[-1] == slow.told[-1]
    assert slow.told[-1]["orders"].is_caught_up


async def test_all_sources_have_to_arrive() -> None:
    """One source at its end does not end the watch."""
    catch_up = CatchUp(("orders", "customers"))
    follower = Follower(catch_up)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(follower.run())
        catch_up.observe(applied("orders", 1, remaining=0))
        await let_everybody_run()
        assert not watching.done()
        catch_up.observe(applied("customers", 1, remaining=0))


async def test_without_sources_there_is_nothing_to_follow() -> None:
    """A gateway without a projection has caught up from the start."""
    follower = Follower(CatchUp(()))

    await follower.run()

    assert follower.told == [{}]


async def test_a_source_that_starts_anew_counts_anew() -> None:
    """After a restart of its log a source is at nothing again, and not at its end."""
    catch_up = CatchUp(("orders",))
    catch_up.observe(applied("orders", 500, remaining=0))
    catch_up.observe(SourceRestarted(Partition("orders"), LogReplaced("orders", "made anew")))

    progress = await anext(aiter(catch_up.follow()))

    assert progress == {"orders": SourceProgress()}


async def test_a_failure_is_no_progress() -> None:
    """A source that fails stays where it was."""
    catch_up = CatchUp(("orders",))
    catch_up.observe(applied("orders", 500, remaining=7))
    catch_up.observe(SourceFailed(Partition("orders"), SourceUnavailable("orders", "refused"), 0.1))

    progress = await anext(aiter(catch_up.follow()))

    assert progress["orders"] == SourceProgress(500, 7, is_caught_up=False)
