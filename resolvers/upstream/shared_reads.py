"""Live reads of rows, shared between all readers of the process.

    deadline › single-flight › response cache › the tower of `call`

- The deadline is outermost: a reader whose time is over joins nothing and starts nothing.
- Single-flight is outside the cache: who joins a flight hears what is newer than anything kept, and
  whatever lands is kept once. 500 readers of one cold row are one call.
- Both are outside the tower: who joins or finds takes no place, passes no circuit and has no vote.
- Behind an open circuit nobody joins: a call that hangs there would hold up who is refused at once.
- A row that has gone stale a moment ago is shown at once while a call in the background asks anew:
  that flight is the only one that nobody need join. It belongs to the process, like the others.
- Where a call fails, the answer is the failure, and what is kept of its row lies beside it.

The rule: an answer that began before its reader asked is hers only if she may share, and only if it
covers her demand. Where it does not, she asks again herself. Answers are shared with everybody,
because no call tells an owner who asks (see `Question`). A call carries the names of the reader who
began it: whoever joins it is not to be found at the owner.
"""

import asyncio
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager

from msgspec import structs

from projections.views import Row
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallStep
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import DeadlineExceeded, UpstreamError
from resolvers.upstream.live_demand import Heard, LiveDemand, Question, RowAnswer, told
from resolvers.upstream.options import SharingOptions
from resolvers.upstream.response_cache import ResponseCache
from resolvers.upstream.single_flight import Ask, Flight, SingleFlight

Demands = Mapping[Question, LiveDemand]
Answers = dict[Question, Heard]


class SharedReads:
    """One a process, between its loaders and the typed clients.

    ``joined`` and ``kept`` count, by service, the rows that were told by the call of another reader
    and by an answer that was kept.

    ``refuses`` tells whether a call for this would end at an open circuit now.
    """

    def __init__(
        self,
        ask: Ask,
        options: SharingOptions,
        *,
        refuses: Callable[[Question], bool] = lambda _: False,
    ) -> None:
        self._ask = ask
        self._refuses = refuses
        self._options = options
        self._flights = SingleFlight(self._ask_and_keep, extension_s=options.extension_s)
        self._cache = ResponseCache(options)
        self._refreshing: set[Question] = set()
        self.joined: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Allow reads while the context is open; then end the calls that are on their way."""
        async with asyncio.TaskGroup() as group, self._flights.open():
            self._group = group
            try:
                yield
            finally:
                self._group = None  # no more refreshes; those that are on their way are called off

    async def read(self, demands: Demands, context: CallContext) -> Answers:
        """One answer a question; failures are answers.

        What is older than demanded even so was asked for after this reader asked. Waits until the
        context's deadline at the latest; who is cancelled takes nothing from anybody else.
        """
        if context.deadline.has_passed():
            answers = {q: Heard(DeadlineExceeded(q.key.type.source), _now_s()) for q in demands}
        else:
            answers = await self._read(demands, context, asked=self._flights.tick())
        return await self._with_kept(answers, demands)

    async def put_newer(self, row: Row) -> None:
        """Learn of a row that came another way, as with the answer to a write.

        Whoever asks from now on joins no flight that may bring an older one.
        """
        if await self._cache.put_newer(row):
            self._flights.overtake(Question(row.key))

    async def _read(self, demands: Demands, context: CallContext, *, asked: int) -> Answers:
        being_renewed = demands.keys() & self._refreshing
        joined = self._joinable(_without(demands, being_renewed), context, asked=asked)
        answers = await self._find(_without(demands, joined), context)
        # What is asked for anew is joined by those alone who were not shown what is kept.
        due = {question: demands[question] for question in being_renewed - answers.keys()}
        joined |= self._joinable(due, context, asked=asked)
        count_questions(self.kept, answers)
        note_questions(context, answers, CallStep.KEPT)
        count_questions(self.joined, joined)
        note_questions(context, joined, CallStep.JOINED)
        unasked = list(_without(_without(demands, answers), joined))
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

    async def _find(self, demands: Demands, context: CallContext) -> Answers:
        """What is kept and still shown; what is due is asked for anew in the background."""
        demands = {question: demand for question, demand in demands.items() if demand.may_share}
        if not demands:
            return {}
        due = await self._cache.find_due(demands)
        refreshed = self._refresh(due, context)
        answers = await self._cache.find(demands)
        return answers | {question: due[question] for question in refreshed}

    def _refresh(self, due: Collection[Question], context: CallContext) -> list[Question]:
        """Have these asked for anew, each by one call; return which are on their way.

        Where there is no room for more of them, or the process is closing, nothing is begun.
        """
        new = [question for question in due if question not in self._refreshing]
        begun = new[: max(0, self._options.refresh_limit - len(self._refreshing))]
        if begun and self._group is not None:
            self._refreshing.update(begun)
            self._group.create_task(self._ask_anew(begun, context), name="refresh rows")
        return [question for question in due if question in self._refreshing]

    async def _ask_anew(self, questions: Sequence[Question], context: CallContext) -> None:
        deadline = Deadline.after(self._options.refresh_timeout_s)
        demands = dict.fromkeys(questions, LiveDemand(may_share=True))
        try:
            if self._group is not None:
                context = structs.replace(context, deadline=deadline, log=None)
                boarded = self._board(demands, context, asked=self._flights.tick())
                flights = set(boarded.values())
                with self._flights.aboard(flights, deadline):
                    await _landing(flights, deadline)  # whatever has landed has been kept
        finally:
            self._refreshing.difference_update(questions)

    async def _with_kept(self, answers: Answers, demands: Demands) -> Answers:
        failed = {q: demands[q] for q in answers if isinstance(answers[q].answer, UpstreamError)}
        if not failed:
            return answers
        kept = await self._cache.find_kept(failed)
        return {**answers, **{q: structs.replace(answers[q], kept=kept[q]) for q in kept}}

    def _board(
        self, demands: Demands, context: CallContext, *, asked: int
    ) -> dict[Question, Flight]:
        """A flight for each question: one on its way, or one begun for all that have none."""
        boarded = self._joinable(demands, context, asked=asked)
        return boarded | self._flights.begin(tuple(_without(demands, boarded)), context)

    def _joinable(
        self, demands: Demands, context: CallContext, *, asked: int
    ) -> dict[Question, Flight]:
        joinable: dict[Question, Flight] = {}
        for question, demand in demands.items():
            flight = self._flights.joinable(
                question, demand, asked=asked, deadline=context.deadline
            )
            if flight is not None and not self._refuses(question):
                joinable[question] = flight
        return joinable

    async def _land(self, boarded: Mapping[Question, Flight], context: CallContext) -> Answers:
        if not boarded:
            return {}
        flights = set(boarded.values())
        with self._flights.aboard(flights, context.deadline):
            await _landing(flights, context.deadline)
            # They tell what they bring only to those who are still aboard.
            return {question: flight.answer_to(question) for question, flight in boarded.items()}

    async def _ask_and_keep(
        self, call: Sequence[Question], context: CallContext
    ) -> Mapping[Question, RowAnswer]:
        asked_at_s = _now_s()
        answers = await self._ask(call, context)
        for key in await self._cache.fill(answers, asked_at_s=asked_at_s):
            self._flights.overtake(Question(key))
        return answers


def count_questions(counts: Counter[str], questions: Iterable[Question]) -> None:
    """Add these questions to the counts of their services."""
    for question in questions:
        counts[question.key.type.source] += 1


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


async def _landing(flights: Iterable[Flight], deadline: Deadline) -> None:
    """Wait until all have landed, or ``deadline``."""
    landed = [flight.landed for flight in flights]
    await asyncio.wait(landed, timeout=max(0.0, deadline.remaining_s()))


def _without(demands: Demands, told: Collection[Question]) -> Demands:
    if not told:
        return demands
    return {question: demand for question, demand in demands.items() if question not in told}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
