"""What tests of waiting share: somebody who waits, and somebody who brings what is waited for."""

import asyncio
from typing import Final

from projections.memory_store import MemoryStore
from projections.versions import Version
from projections.views import Row
from projections.waiters import Waiters
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, customer_key

KEY: Final = customer_key()
SUBJECT: Final = "ada"
TIMEOUT_S: Final = 0.25


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def bring(store: MemoryStore, *rows: Row) -> None:
    await apply_next(store, batch(*map(change, rows)))


async def turns(count: int = 5) -> None:
    """Let everybody who can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def wait(waiters: Waiters, *, subject: str = SUBJECT, **unmet: int) -> tuple[bool, float]:
    """Wait for these versions of customers (``c_1=2``): the answer, and how long it took."""
    wanted = {
        customer_key(name.replace("_", "-")): Version(1, number) for name, number in unmet.items()
    }
    started_at_s = now_s()
    is_reached = await waiters.wait_for(wanted, subject=subject, timeout_s=TIMEOUT_S)
    return is_reached, round(now_s() - started_at_s, 9)


def assert_forgotten(waiters: Waiters) -> None:
    """Nothing is left of anybody who waited."""
    assert waiters.waiting_count == 0
    assert not waiters._waiting
    assert not waiters._count_by_subject
