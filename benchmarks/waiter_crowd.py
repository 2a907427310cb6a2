"""Five thousand who wait in one process, each for a version of its own, of a store in memory.

*Released*: from the instant at which the store holds all of them to that at which the last waiter
goes on; told by an announcement, and with every announcement dropped, so that the next look for all
has to find them. *Memory*: of one that waits. The control is as many tasks with a timeout that are
let go by one event, with nothing of ours.
"""

import asyncio
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import AtMost, Control, Figure
from benchmarks.runs import Run
from projections.memory_store import MemoryStore
from projections.versions import Version
from projections.waiters import WaiterOptions, Waiters
from tests.builders.rows import batch, change, customer_key, customer_row

WAITER_COUNT: Final = 5_000
LIMIT_S: Final = 60.0
SETTLE_S: Final = 0.5
"""By then the pauses between looks are as long as they get."""

UNHEARD_ROUND_COUNT: Final = 5
"""The look may come at once by chance; the worst of so many tells."""

UNHEARD_AIM_MS: Final = AtMost(250.0)
"""The longest pause between two looks, and the time in which such a crowd goes on."""

MS: Final = 1000

Wait = Callable[[int], Coroutine[None, None, object]]


@dataclass(frozen=True, slots=True)
class Crowd:
    """How long it took until the last one went on, and the memory each took."""

    released_s: float
    memory_bytes: float


def measure(run: Run) -> Iterator[Figure]:
    """In this process, with no server: of ``run`` nothing is used."""
    del run
    bare = asyncio.run(bare_crowd())
    heard = asyncio.run(waiting_crowd(MemoryStore()))
    unheard_s = max(
        asyncio.run(waiting_crowd(SilentStore())).released_s for _ in range(UNHEARD_ROUND_COUNT)
    )
    control = Control("one event", bare.released_s * MS)
    yield Figure(
        name=f"{WAITER_COUNT:,} waiters released",
        value=heard.released_s * MS,
        unit="ms",
        control=control,
    )
    yield Figure(
        name=f"{WAITER_COUNT:,} waiters released, nothing heard",
        value=unheard_s * MS,
        unit="ms",
        aim=UNHEARD_AIM_MS,
        control=control,
    )
    yield Figure(
        name="memory a waiter",
        value=heard.memory_bytes,
        unit="bytes",
        control=Control("a task with a timeout", bare.memory_bytes),
    )


class SilentStore(MemoryStore):
    """Announces nothing."""

    def _announce(self, verdicts: object) -> None: ...


async def waiting_crowd(store: MemoryStore) -> Crowd:
    """Each waits for the first version of another customer, all of which come at once."""
    rows = [customer_row(f"c-{n}") for n in range(WAITER_COUNT)]
    arriving = batch(*map(change, rows), source="customers")
    async with Waiters(store, WaiterOptions(subject_limit=WAITER_COUNT)).open() as waiters:

        async def wait(n: int) -> object:
            unmet = {customer_key(f"c-{n}"): Version(1, 1)}
            return await waiters.wait_for(unmet, subject="bench", timeout_s=LIMIT_S)

        return await time_crowd(wait, lambda: store.apply(arriving))


async def bare_crowd() -> Crowd:
    """The control."""
    event = asyncio.Event()

    async def wait(_: int) -> object:
        async with asyncio.timeout(LIMIT_S):
            return await event.wait()

    async def release() -> None:
        event.set()

    return await time_crowd(wait, release)


async def time_crowd(wait: Wait, release: Callable[[], Awaitable[object]]) -> Crowd:
    """Let them all wait, release them, and see how long it takes the last one."""
    memory_bytes = await _memory_of(wait)
    tasks = [asyncio.ensure_future(wait(n)) for n in range(WAITER_COUNT)]
    await asyncio.sleep(SETTLE_S)
    await release()
    released_at_s = time.perf_counter()
    await asyncio.wait(tasks)
    return Crowd(time.perf_counter() - released_at_s, memory_bytes)


async def _memory_of(wait: Wait) -> float:
    """What one that waits takes (bytes), its task included; in a crowd that is then sent away."""
    tracemalloc.start()
    before_bytes, _ = tracemalloc.get_traced_memory()
    tasks = [asyncio.ensure_future(wait(n)) for n in range(WAITER_COUNT)]
    await asyncio.sleep(SETTLE_S)
    used_bytes = tracemalloc.get_traced_memory()[0] - before_bytes
    tracemalloc.stop()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return used_bytes / WAITER_COUNT
