"""Live reads of rows, shared between all readers of the process.

    deadline › single-flight › response cache › the tower of `call`

- The deadline is outermost: a reader whose time is over joins nothing and starts nothing.
- Single-flight is outside the cache: who joins a flight hears what is newer than anything kept, and
  whatever lands is kept once. 500 readers of one cold row are one call.
- Both are outside the tower: who joins or finds takes no place, passes no circuit and has no vote.

The rule: an answer that began before its reader asked is hers only if she may share, and only if it
covers her demand. Where it does not, she asks again herself. Answers are shared with everybody,
because no call tells an owner who asks (see `Question`). A call carries the names of the reader who
began it: whoever joins it is not to be found at the owner.
"""

import asyncio
from collections.abc import AsyncIterator, Container, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from projections.views import Row
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallStep
from resolvers.upstream.errors import DeadlineExceeded
from resolvers.upstream.live_demand import Heard, LiveDemand, Question, RowAnswer, told
from resolvers.upstream.options import SharingOptions
from resolvers.upstream.response_cache import ResponseCache
from resolvers.upstream.single_flight import Ask, Flight, SingleFlight

Demands = Mapping[Question, LiveDemand]
Answers = dict[Question, Heard]


class SharedReads:
    """One a process, between its loaders and the typed clients."""

    def __init__(self, ask: Ask, options: SharingOptions) -> None:
        self._ask = ask
        self._flights = SingleFlight(self._ask_and_keep, extension_s=options.extension_s)
        self._cache = ResponseCache(options)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Allow reads while the context is open; then end the calls that are on their way."""
        async with self._flights.open():
            yield

    async def read(self, demands: Demands, context: CallContext) -> Answers:
        """One answer a question; failures are answers.

        What is older than demanded even so was asked for after this reader asked. Waits until the
        context's deadline at the latest; who is cancelled takes nothing from anybody else.
        """
        if context.deadline.has_passed():
            return {q: Heard(DeadlineExceeded(q.key.type.source), _now_s()) for q in demands}
        return await self._read(demands, context, asked=self._flights.tick())

    async def put_newer(self, row: Row) -> None:
        """Learn of a row that came another way, as with the answer to a write.

        Whoever asks from now on joins no flight that may bring an older one.
        """
        if await self._cache.put_newer(row):
            self._flights.overtake(Question(row.key))

    async def _read(self, demands: Demands, context: CallContext, *, asked: int) -> Answers:
        on_their_way = self._joinable(demands, context, asked=asked)
        answers = await self._cache.find(_without(demands, on_their_way))
        note_questions(context, answers, CallStep.KEPT)
        joined = self._joinable(_without(demands, answers), context, asked=asked)
        note_questions(context, joined, CallStep.JOINED)
        unasked = [question for question in demands if question not in answers | joined]
        boarded = joined | self._flights.begin(unasked, context)
        answers |= await self._land(boarded, context)
        note_questions(context, joined, CallStep.ANSWERED)
        # Of these, what she boards the second time has begun after she asked: there is no third.
        behind = {
            question: demands[question]
            for question, flight in boarded.items()
            if flight.began < asked
            and not demands[question].is_covered_by(answers[question].answer)
        }
        return answers | await self._read(behind, context, asked=asked) if behind else answers

    def _joinable(
        self, demands: Demands, context: CallContext, *, asked: int
    ) -> dict[Question, Flight]:
        find = self._flights.joinable
        flights = {
            question: find(question, demand, asked=asked, deadline=context.deadline)
            for question, demand in demands.items()
        }
        return {question: flight for question, flight in flights.items() if flight is not None}

    async def _land(self, boarded: Mapping[Question, Flight], context: CallContext) -> Answers:
        if not boarded:
            return {}
        flights = set(boarded.values())
        with self._flights.aboard(flights, context.deadline):
            landed = [flight.landed for flight in flights]
            await asyncio.wait(landed, timeout=max(0.0, context.deadline.remaining_s()))
            return {question: flight.answer_to(question) for question, flight in boarded.items()}

    async def _ask_and_keep(
        self, call: Sequence[Question], context: CallContext
    ) -> Mapping[Question, RowAnswer]:
        asked_at_s = _now_s()
        answers = await self._ask(call, context)
        for key in await self._cache.fill(answers, asked_at_s=asked_at_s):
            self._flights.overtake(Question(key))
        return answers


def note_questions(
    context: CallContext, questions: Iterable[Question], step: CallStep, detail: str = ""
) -> None:
    """Tell the log, if there is one, of a step that these questions take, by service."""
    if context.log is None:
        return
    by_service: dict[str, list[Question]] = {}
    for question in questions:
        by_service.setdefault(question.key.type.source, []).append(question)
    for service, of_service in by_service.items():
        context.log.note(service, told(of_service), step, detail)


def _without(demands: Demands, told: Container[Question]) -> Demands:
    return {question: demand for question, demand in demands.items() if question not in told}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
