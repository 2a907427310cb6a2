"""Questions that come in the same turn of the event loop go to the server together.

One script for twenty reads costs little more than one for one. A few calls fly at once; who comes
while they fly shares the next, so under load the calls grow rather than the queue.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from projections.errors import StoreUnavailable

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Tasks:
    """Where calls run that nobody owns alone: in a group, while the store is open."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[asyncio.TaskGroup]:
        """Keep the group while the context is open."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield group
            finally:
                self._group = None

    def begin(self, work: Coroutine[None, None, None]) -> None:
        """Run ``work`` as a task; raises `StoreUnavailable` where the store is not open."""
        if self._group is None:
            work.close()
            raise StoreUnavailable("it is not open")
        self._group.create_task(work, name="ask the store")


class Turns(Generic[Question, Answer]):
    """Gathers questions and has them answered by ``ask``, at most ``limit`` at a time.

    ``ask`` returns one answer a question, in order. Its flights are tasks of ``tasks``. Who is
    cancelled loses his own answer and nobody else's.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]],
        tasks: Tasks,
        *,
        limit: int,
        flight_limit: int,
    ) -> None:
        self._ask = ask
        self._tasks = tasks
        self._limit = limit
        self._flight_limit = flight_limit
        self._flight_count = 0
        self._is_boarding = False
        self._waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()

    async def answer(self, question: Question) -> Answer:
        """The answer to ``question``; raises what ``ask`` raises."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        try:
            self._board()
        except StoreUnavailable:
            self._waiting.pop()
            raise
        return await future

    def _board(self) -> None:
        if self._waiting and not self._is_boarding and self._flight_count < self._flight_limit:
            # The flight begins in the next turn, with all who come in this one.
            self._tasks.begin(self._fly())
            self._is_boarding = True

    async def _fly(self) -> None:
        self._is_boarding = False
        self._flight_count += 1
        try:
            while aboard := self._take():
                self._board()
                await self._serve(aboard)
        finally:
            self._flight_count -= 1

    def _take(self) -> list[tuple[Question, asyncio.Future[Answer]]]:
        aboard: list[tuple[Question, asyncio.Future[Answer]]] = []
        while self._waiting and len(aboard) < self._limit:
            question, future = self._waiting.popleft()
            if not future.done():
                aboard.append((question, future))
        return aboard

    async def _serve(self, aboard: Sequence[tuple[Question, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._ask([question for question, _ in aboard])
        except asyncio.CancelledError:
            _fail(aboard, lambda: StoreUnavailable("it is being closed"))
            raise
        except StoreUnavailable as error:
            reason = error.reason
            _fail(aboard, lambda: StoreUnavailable(reason))
        except Exception as error:  # noqa: BLE001 - whoever asked is told; the flights go on
            mistake = error
            _fail(aboard, lambda: mistake)
        else:
            for (_, future), answer in zip(aboard, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _fail(
    aboard: Sequence[tuple[Question, asyncio.Future[Answer]]], error: Callable[[], Exception]
) -> None:
    """Tell everybody, each with an error of his own: a raised one collects its raiser's frames."""
    for _, future in aboard:
        if not future.done():
            future.set_exception(error())
