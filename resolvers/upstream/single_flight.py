"""Calls on their way to owners, which readers of the whole process may join.

A flight belongs to the process and not to the reader that began it, so nobody's leaving fails
another. It is wanted as long as anybody waits; when the last one leaves it is cancelled at once.
One that began before a reader asked tells her of an older world, so every flight knows when it
began. (Go's ``singleflight`` knows the key alone, and lets a read join what began before a write.)
"""

import asyncio
import itertools
import math
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from msgspec import Struct

from resolvers.upstream.call_context import CallContext
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import DeadlineExceeded, UpstreamError, UpstreamUnavailable
from resolvers.upstream.live_demand import Heard, LiveDemand, Question, RowAnswer
from resolvers.upstream.owners import calls_for

Ask = Callable[[Sequence[Question], CallContext], Awaitable[Mapping[Question, RowAnswer]]]
"""One call: one answer a question; failures are answers."""


class Passengers(Struct):
    """How many wait for a flight, and until when (s of the loop) anybody has ever wanted to."""

    count: int = 0
    wanted_until_s: float = -math.inf


class FlightDeadline(Deadline, frozen=True):
    """The deadline of a shared call: it moves with those who wait, up to ``at_s``."""

    passengers: Passengers

    def remaining_s(self) -> float:
        """The seconds for which the answer is wanted, as far as is known now."""
        return self.passengers.wanted_until_s - asyncio.get_running_loop().time()


class Flight:
    """One call on its way. ``began`` tells its place in the order of all asking and beginning."""

    def __init__(self, call: Sequence[Question], began: int, deadline: FlightDeadline) -> None:
        self.call = call
        self.began = began
        self.deadline = deadline
        loop = asyncio.get_running_loop()
        self.asked_at_s = loop.time()
        self.landed: asyncio.Future[Mapping[Question, RowAnswer]] = loop.create_future()

    def may_be_joined(self, demand: LiveDemand, *, asked: int, deadline: Deadline) -> bool:
        """May a reader with this demand wait for it, and will it last as long as she can wait?"""
        is_allowed = demand.may_share or self.began > asked
        return is_allowed and deadline.at_s <= self.deadline.at_s

    def answer_to(self, question: Question) -> Heard:
        """What it has brought by now; each reader gets a failure of her own."""
        if not self.landed.done():
            return Heard(DeadlineExceeded(question.key.type.source), self.asked_at_s)
        answer = self.landed.result()[question]
        if isinstance(answer, UpstreamError):
            answer = _another(answer)
        return Heard(answer, self.asked_at_s)


class SingleFlight:
    """The flights of one process. Between two of its awaits nothing else runs."""

    def __init__(self, ask: Ask, *, extension_s: float) -> None:
        self._ask = ask
        self._extension_s = extension_s
        self._ticks = itertools.count(1)
        self._listed: dict[Question, Flight] = {}
        self._in_the_air: dict[Flight, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let flights begin while the context is open; then end those that are on their way."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                for flight in tuple(self._in_the_air):
                    self._call_off(flight)

    def tick(self) -> int:
        """An instant later than every flight begun so far."""
        return next(self._ticks)

    def joinable(
        self, question: Question, demand: LiveDemand, *, asked: int, deadline: Deadline
    ) -> Flight | None:
        """The flight to wait for; None where there is none that this reader may join.

        ``asked``: when she asked, a `tick`.
        """
        flight = self._listed.get(question)
        if flight is None or not flight.may_be_joined(demand, asked=asked, deadline=deadline):
            return None
        return flight

    def begin(self, questions: Sequence[Question], context: CallContext) -> dict[Question, Flight]:
        """Begin the calls that these questions need, and list them for others to join.

        They carry the names of ``context``, and last at most ``extension_s`` longer than it.
        Somebody must come `aboard` before the next await.
        """
        flights = [self._begin(call, context) for call in calls_for(questions)]
        return {question: flight for flight in flights for question in flight.call}

    def overtake(self, question: Question) -> None:
        """Let nobody join the flight any more: something newer is known than it may bring."""
        self._listed.pop(question, None)

    @contextmanager
    def aboard(self, flights: Iterable[Flight], deadline: Deadline) -> Iterator[None]:
        """Be counted among those who wait, until ``deadline`` at the latest."""
        boarded = tuple(flights)
        for flight in boarded:
            passengers = flight.deadline.passengers
            passengers.count += 1
            passengers.wanted_until_s = max(passengers.wanted_until_s, deadline.at_s)
        try:
            yield
        finally:
            for flight in boarded:
                flight.deadline.passengers.count -= 1
                if not flight.deadline.passengers.count:
                    self._call_off(flight)

    def _begin(self, call: Sequence[Question], context: CallContext) -> Flight:
        ends_at_s = context.deadline.at_s + self._extension_s
        deadline = FlightDeadline(ends_at_s, Passengers(wanted_until_s=context.deadline.at_s))
        flight = Flight(call, self.tick(), deadline)
        shared_context = context.until(deadline)
        self._in_the_air[flight] = self._run(self._fly(flight, shared_context))
        self._listed.update(dict.fromkeys(call, flight))
        return flight

    def _run(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        if self._group is None:
            work.close()
            raise RuntimeError("flights begin only while their single-flight is open")
        return self._group.create_task(work, name="ask an owner")

    async def _fly(self, flight: Flight, context: CallContext) -> None:
        try:
            answers = await self._ask(flight.call, context)
        except Exception as mistake:  # noqa: BLE001 - whoever waits is told; other flights go on
            land = partial(flight.landed.set_exception, mistake)
        else:
            land = partial(flight.landed.set_result, answers)
        if self._retire(flight) is not None:
            land()

    def _call_off(self, flight: Flight) -> None:
        """End it, if it has not landed: nobody waits any more, or the process is closing."""
        task = self._retire(flight)
        if task is None:
            return
        flight.landed.set_result({q: UpstreamUnavailable(q.key.type.source) for q in flight.call})
        task.cancel()

    def _retire(self, flight: Flight) -> asyncio.Task[None] | None:
        """Let nobody find it any more; its task, or None if that has been done before.

        From then on it does not lead to its task: one that is cancelled leads to it.
        """
        task = self._in_the_air.pop(flight, None)
        if task is not None:
            for question in flight.call:
                if self._listed.get(question) is flight:
                    del self._listed[question]
        return task


def _another(error: UpstreamError) -> UpstreamError:
    """The same error once more: a raised one collects the frames of whoever raises it."""
    another = type(error).__new__(type(error), *error.args)
    another.__dict__.update(error.__dict__)
    another.__cause__ = error.__cause__
    return another
