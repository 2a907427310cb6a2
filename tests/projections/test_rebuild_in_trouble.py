import asyncio
from collections.abc import Mapping
from itertools import count

import pytest

from projections.errors import PoisonFlood, RebuildRunning, SourceUnavailable, StoreUnavailable
from projections.positions import Partition
from projections.rebuild.rebuild import (
    Flipped,
)
from projections.versions import Version
from tests.builders.rows import (
    cloud_event,
    order_key,
    order_row,
    product_row,
)
from tests.generational_store import GenerationalMemoryStore
from tests.projections.rebuilding import WORLD, Rebuilding, a_world, logs_of

pytestmark = pytest.mark.steered_time


@pytest.mark.parametrize("after_signals", range(6))
async def test_rebuild_that_is_interrupted_leaves_blue_serving(after_signals: int) -> None:
    """Ctrl-C at any batch: blue is as before, nothing is left, and the next rebuild may begin."""
    house = await a_world()
    rows = dict(house.store._rows)
    rebuild, told, reached = house.rebuild(), count(), asyncio.Event()
    rebuild._observe = lambda _: reached.set() if next(told) == after_signals else None

    async with asyncio.TaskGroup() as group:
        running = group.create_task(rebuild.run())
        await reached.wait()
        running.cancel()

    assert house.store.flip_count == 0
    assert house.store._rows == rows
    assert house.store.built is None
    assert house.record.holder is None
    assert await house.run() == Flipped()


async def test_second_rebuild_is_refused_while_one_runs() -> None:
    """Two at once would take turns in spoiling each other; the first goes on undisturbed."""
    house = await a_world()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(house.run())
        await asyncio.sleep(0)
        with pytest.raises(RebuildRunning):
            await house.run()

    assert first.result() == Flipped()


async def test_poison_is_parked_in_green_as_in_blue() -> None:
    """An event that cannot be read marks its aggregate suspect in green too."""
    house = await a_world()
    spoilt = cloud_event(order_row("o-2", 2)) | {"data": {}}
    house.logs["orders"].write(spoilt)
    await house.project()

    outcome = await house.run()

    assert outcome == Flipped()
    assert house.store._suspect_until == {order_key("o-2"): Version(1, 2)}


async def test_flood_of_poison_stops_the_rebuild() -> None:
    """Code that cannot read the log does not get to serve it."""
    house = await a_world()
    feed = house.logs["orders"]
    await house.project()
    feed.write(*(cloud_event(order_row(f"o-{n}", 3)) | {"data": {}} for n in range(100, 200)))

    with pytest.raises(PoisonFlood):
        await house.run()

    assert house.store.flip_count == 0
    assert house.store.built is None


async def test_log_that_stutters_is_waited_for() -> None:
    """A broker that restarts costs a moment; one that stays away ends the rebuild."""
    house = await a_world()
    refused = SourceUnavailable("orders", "refused")
    house.logs["orders"].next_answers.extend([refused] * 9)

    assert await house.run() == Flipped()

    house.logs["orders"].next_answers.extend([refused] * 10)
    with pytest.raises(SourceUnavailable):
        await house.run()
    assert house.store.flip_count == 1
    assert house.store.built is None


async def test_flip_whose_answer_is_lost_is_looked_up() -> None:
    """A flip that happened though nobody heard of it is told as what it is."""

    class Unheard(GenerationalMemoryStore):
        async def flip(self, expected: Mapping[Partition, str]) -> None:
            await super().flip(expected)
            raise StoreUnavailable("no answer in time")

    house = Rebuilding(logs_of(*WORLD), Unheard())
    await house.project()

    assert await house.run() == Flipped()


async def test_flip_that_did_not_happen_is_no_success() -> None:
    """A store that goes away before the flip leaves blue, and the failure is told."""

    class Gone(GenerationalMemoryStore):
        async def flip(self, *_: object, **__: object) -> None:
            raise StoreUnavailable("no answer in time")

    house = Rebuilding(logs_of(*WORLD), Gone())
    await house.project()

    with pytest.raises(StoreUnavailable):
        await house.run()
    assert house.store.built is None


async def test_log_made_anew_in_the_middle_is_read_from_its_start() -> None:
    """What the old log had brought to green is forgotten with it; blue has still the old one."""
    house = await a_world()
    feed = house.logs["products"]

    async def start_anew() -> None:
        await asyncio.sleep(0)
        feed.start_anew()
        feed.commit(product_row(version=1, epoch=2))

    rebuild = house.rebuild()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(rebuild.run())
        group.create_task(start_anew())

    assert running.result() == Flipped()
    assert house.store._rows[product_row().key].at == Version(2, 1)
