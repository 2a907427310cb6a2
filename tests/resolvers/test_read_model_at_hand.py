"""A store that is left alone is left alone, whatever of it is at hand."""

import asyncio
from collections.abc import Sequence

import pytest

from projections.errors import StoreUnavailable
from projections.memory_store import MemoryStore
from projections.positions import NOTHING_SEEN, Floor
from projections.selection import ProductRoot, Root
from projections.store import Cut
from projections.waiters import WaiterOptions, Waiters
from resolvers.read_model import ReadModel
from tests.builders.rows import product_row

pytestmark = pytest.mark.steered_time

ROOTS = (ProductRoot("p-1"),)
BREAK_S = 0.5


class DecidedStore(MemoryStore):
    """Each read waits until it is decided how it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[asyncio.Future[Cut]] = []

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        del roots, seen
        self.reads.append(asyncio.get_running_loop().create_future())
        return await self.reads[-1]


async def decide(read: asyncio.Future[Cut], *, is_answered: bool) -> None:
    if is_answered:
        read.set_result(Cut())
    else:
        read.set_exception(StoreUnavailable("no answer in time"))
    await asyncio.sleep(0.001)


async def test_a_late_answer_brings_nothing_to_hand_while_reads_are_refused() -> None:
    """Ten reads fail and the circuit opens; the eleventh, begun before, is answered after that.

    The next read would not ask the store, so nothing of the store is at hand; once a probe has
    found it again, all of it is.
    """
    store = DecidedStore()
    await store.heal([product_row()])
    model = ReadModel(store, Waiters(store, WaiterOptions()))
    async with asyncio.TaskGroup() as group:
        before = model.at_hand(ROOTS)
        for _ in range(11):
            group.create_task(model.read(ROOTS))
        await asyncio.sleep(0.001)
        for read in store.reads[:10]:
            await decide(read, is_answered=False)
        await decide(store.reads[10], is_answered=True)
        refused = await model.read(ROOTS)
        meanwhile = model.at_hand(ROOTS), model.still(before or Cut())
        await asyncio.sleep(BREAK_S)
        probe = group.create_task(model.read(ROOTS))
        await asyncio.sleep(0.001)
        probing = model.at_hand(ROOTS)
        await decide(store.reads[11], is_answered=True)
        found = probe.result(), model.at_hand(ROOTS)

    assert before is not None
    assert not refused.is_available
    assert meanwhile == (None, None)
    assert probing is None
    assert found == (Cut(), before)
