"""What tests of waiting share: somebody who waits, and somebody who brings what is waited for."""

import asyncio
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import pytest

from projections.errors import StoreUnavailable
from projections.memory_store import MemoryStore
from projections.store import Announcement, Listener
from projections.versions import AggregateKey, Version
from projections.views import Row
from projections.waiters import WaitEnd, WaiterOptions, Waiters
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, customer_key

KEY: Final = customer_key()
SUBJECT: Final = "ada"
TIMEOUT_S: Final = 0.25

RELYING_ON_NEWS: Final = WaiterOptions(first_look_s=60.0, longest_look_s=60.0)
"""Nobody looks within the time of a test, so that only announcements release."""


class LossyStore(MemoryStore):
    """Announces nothing; a test does (`announce`). ``is_gone``: it cannot be asked for versions."""

    def __init__(self) -> None:
        super().__init__()
        self.is_gone = False
        self.asked: list[int] = []
        self.listeners: list[Listener] = []

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        self.listeners.append(listener)
        yield
        self.listeners.remove(listener)

    def announce(self, announcement: Announcement) -> None:
        """Tell who listens; None: that something may not have been told."""
        for listener in self.listeners:
            listener(announcement)

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        wanted = list(keys)
        self.asked.append(len(wanted))
        if self.is_gone:
            raise StoreUnavailable("gone")
        return await super().versions(wanted)


def let_pauses_be_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the chance out of the pauses between looks."""
    monkeypatch.setattr(random, "uniform", lambda _, longest_s: longest_s)


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def bring(store: MemoryStore, *rows: Row) -> None:
    await apply_next(store, batch(*map(change, rows)))


async def turns(count: int = 5) -> None:
    """Let everybody who can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def wait(waiters: Waiters, *, subject: str = SUBJECT, **unmet: int) -> tuple[WaitEnd, float]:
    """Wait for these versions of customers (``c_1=2``): how it ended, and how long it took."""
    wanted = {
        customer_key(name.replace("_", "-")): Version(1, number) for name, number in unmet.items()
    }
    started_at_s = now_s()
    end = await waiters.wait_for(wanted, subject=subject, timeout_s=TIMEOUT_S)
    return end, round(now_s() - started_at_s, 9)


def assert_forgotten(waiters: Waiters) -> None:
    """Nothing is left of anybody who waited."""
    assert waiters.waiting_count == 0
    assert not waiters._waiting
    assert not waiters._count_by_subject
