"""The door in time: lets requests begin in their turn, and tells the others when to return.

What is refused here has cost its head, its bytes and a glance at them: no parsing, no token, no
cookie.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from gateway.admission.lanes import Lane
from gateway.admission.options import AdmissionOptions
from gateway.admission.queue import AdmissionQueue, Overload, Ticket
from gateway.errors import ErrorCode, RequestRefused
from gateway.receiving import ClientLeft
from resolvers.upstream.deadline import Deadline

_NOBODY_WAITS: Final = nullcontext()


@dataclass(frozen=True, slots=True)
class SheddingChanged:
    """Signal: the door began to refuse, or has not refused anybody for a while.

    ``refused_count``: since it began.
    """

    is_shedding: bool
    refused_count: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many are inside, how many wait, and is anybody refused?"""

    in_flight_count: int
    waiting_count: int
    is_shedding: bool


class Door:
    """Admission to one gateway. ``chance`` draws from 0 to 1."""

    def __init__(
        self,
        options: AdmissionOptions,
        *,
        observe: Callable[[SheddingChanged], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._options = options
        self._observe = observe
        self._chance = chance
        self._queue = AdmissionQueue(options)
        self._turns: dict[Ticket, asyncio.Future[None]] = {}
        self._is_turn_coming = False
        self._used_s = 0.0
        self._aside_s = 0.0
        self._is_shedding = False
        self._refused_count = 0
        self._refused_at_s = 0.0

    @property
    def crowd(self) -> Crowd:
        queue = self._queue
        return Crowd(queue.in_flight_count, queue.waiting_count, self._is_shedding)

    @property
    def is_quiet(self) -> bool:
        """Does nobody wait to be let in?"""
        return not self._queue.waiting_count

    def takes_in(self, lane: Lane) -> bool:
        """Would a request that comes now be let in, at once or in its turn?

        Then an answer that is at hand may be given without a place, past those who wait: it is done
        in less time than a place costs, so they wait less than if it joined them.
        """
        return self.is_quiet or self._overload(lane) is None

    def turn_away(self, lane: Lane) -> RequestRefused | None:
        """The refusal of a request that comes now; None if it is taken in, as `takes_in` says."""
        return None if self._overload(lane) is None else self._refusal()

    @asynccontextmanager
    async def place(
        self, lane: Lane, deadline: Deadline, leaving: asyncio.Task[None]
    ) -> AsyncIterator[None]:
        """Be in flight inside the block; begins it when it is this request's turn.

        Raises `RequestRefused` with `OVERLOADED` if that would be too late, nearly always at once,
        and `ClientLeft` if ``leaving`` ends first: the client does not wait for it.
        """
        ticket = self._admit(lane, deadline)
        try:
            if not ticket.has_begun:
                await self._wait_for_turn(ticket, leaving)
            self._call_turn()
            yield
        finally:
            self._queue.leave(ticket)
            self._call_turn()

    def overtaking(self) -> AbstractContextManager[None]:
        """What the block does is done past those who wait, and makes their turn no longer.

        They are made up for it (`made_up_ratio`). Where nobody waits, nothing is measured.
        """
        return _NOBODY_WAITS if self.is_quiet else self._measured()

    @contextmanager
    def _measured(self) -> Iterator[None]:
        began_s = time.thread_time()
        try:
            yield
        finally:
            self._aside_s += time.thread_time() - began_s

    def _overload(self, lane: Lane) -> Overload | None:
        return self._queue.overload(lane, asyncio.get_running_loop().time(), math.inf)

    def _admit(self, lane: Lane, deadline: Deadline) -> Ticket:
        match self._queue.arrive(lane, asyncio.get_running_loop().time(), deadline.at_s):
            case Overload():
                raise self._refusal()
            case ticket:
                return ticket

    async def _wait_for_turn(self, ticket: Ticket, leaving: asyncio.Task[None]) -> None:
        loop = asyncio.get_running_loop()
        turn = self._turns[ticket] = loop.create_future()
        self._call_turn()
        left_s = ticket.gives_up_at_s - loop.time()
        try:
            await asyncio.wait((turn, leaving), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._turns[ticket]
        if leaving.done():
            raise ClientLeft
        if not ticket.has_begun:
            raise self._refusal()

    def _call_turn(self) -> None:
        """See to it that the next ones begin in the next turn of the loop."""
        if self._queue.is_turn_due and not self._is_turn_coming:
            self._is_turn_coming = True
            self._used_s, self._aside_s = time.thread_time(), 0.0
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._is_turn_coming = False
        aside_s = self._aside_s
        used_s = time.thread_time() - self._used_s - aside_s
        now_s = asyncio.get_running_loop().time()
        for ticket in self._queue.turn(now_s, used_s, aside_s):
            self._turns[ticket].set_result(None)
        self._call_turn()

    def _refusal(self) -> RequestRefused:
        """Count a refusal; what its client is told."""
        loop = asyncio.get_running_loop()
        self._refused_at_s = loop.time()
        self._refused_count += 1
        if not self._is_shedding:
            self._is_shedding = True
            self._observe(SheddingChanged(is_shedding=True, refused_count=1))
            self._look_again()
        return RequestRefused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            ErrorCode.OVERLOADED,
            "too much is being asked at once; nothing was done: ask again later",
            retry_after_s=self._options.retry_after_s * (0.5 + self._chance()),
        )

    def _look_again(self) -> None:
        over_at_s = self._refused_at_s + self._options.shedding_s
        loop = asyncio.get_running_loop()
        loop.call_at(over_at_s, self._look_whether_it_is_over, self._refused_count)

    def _look_whether_it_is_over(self, refused_count: int) -> None:
        if self._refused_count > refused_count:
            self._look_again()
            return
        self._is_shedding = False
        self._observe(SheddingChanged(is_shedding=False, refused_count=refused_count))
        self._refused_count = 0
