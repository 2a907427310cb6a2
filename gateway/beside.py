"""Work that is done beside something else, for as long as that takes."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run ``work`` beside the block; cancelled at its end."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            yield
        finally:
            task.cancel()


class Apart:
    """Work that goes on when who asked for it has left. Open with `open`, which waits for it.

    The rule: what it fails with is its asker's alone. A task group would end for it, and with it
    everybody else's work and the gateway.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See to its end, when the context closes, what was begun."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None

    def begin(self, work: Coroutine[None, None, T]) -> "asyncio.Task[T | Exception]":
        """Have it done; the task never fails. `outcome_of` waits for it. Only while it is open."""
        assert self._group is not None, "it is open"  # noqa: S101 - for the type checker
        return self._group.create_task(_settled(work), name=self._name)


async def outcome_of(task: "asyncio.Task[T | Exception]") -> T:
    """What came of it, raised where it failed; who is cancelled here does not cancel it."""
    outcome = await asyncio.shield(task)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _settled(work: Coroutine[None, None, T]) -> T | Exception:
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - raised where somebody waits for it
        return error
