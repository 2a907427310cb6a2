"""Live loads of one operation: what is asked in one turn of the loop goes out in one call.

One loader for rows and one for pages, made for one operation and closed with it. Waiting is done on
the shared futures without owning them, so a caller that gives up never cancels another's load;
closing cancels what is still on the wire, unless another operation waits for it too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from projections.selection import PageKey
from projections.versions import AggregateKey, AggregateType
from projections.views import OrderRow, Row
from resolvers.answer import Failed
from resolvers.loader import Loader
from resolvers.own_rows import reads_for
from resolvers.ownership import Links, OwnLinks
from resolvers.speculation import Guesses
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.errors import UpstreamError, without_frames
from resolvers.upstream.live_demand import Heard, Kept, LiveDemand, Question, RowAnswer
from resolvers.upstream.orders import OrdersClient, OrdersPage
from resolvers.upstream.owners import Owners
from resolvers.upstream.products import ProductsClient
from resolvers.upstream.shared_reads import SharedReads, note_questions
from resolvers.upstream.task_group import TaskGroup
from resolvers.upstream.transport import CallKind
from resolvers.viewer import ANYBODY, Viewer

K = TypeVar("K")
V = TypeVar("V")

Asked = tuple[Question, LiveDemand]

LiveRow = Row | None | Failed
"""The owner's answer: the row, that there is none, or that it could not be had."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The typed clients of the owning services.

    ``shared`` is what lets the readers of this process share their reads of rows; without it each
    asks for herself. ``guesses`` is what lets them ask ahead; without it nothing is guessed.
    """

    orders: OrdersClient
    customers: CustomersClient
    products: ProductsClient
    shared: SharedReads | None = None
    guesses: Guesses | None = None

    async def read_rows(
        self, demands: Mapping[Question, LiveDemand], context: CallContext
    ) -> dict[Question, Heard]:
        """One answer a question; failures are answers. Waits until the deadline at the latest."""
        if self.shared is not None:
            return await self.shared.read(demands, context)
        asked_at_s = _now_s()
        owners = Owners(self.orders, self.customers, self.products)
        answers = await owners.ask_all(tuple(demands), context)
        return {question: Heard(answer, asked_at_s) for question, answer in answers.items()}


class LiveLoader:
    """Rows and pages of one operation from the services that own them, as ``viewer`` may see."""

    def __init__(self, clients: Clients, context: CallContext, viewer: Viewer = ANYBODY) -> None:
        self._clients = clients
        self._viewer = viewer
        links = None if clients.guesses is None else clients.guesses.links
        self._read = reads_for(viewer, clients.read_rows, links)
        self._context = context
        self._rows: dict[AggregateType, Loader[Asked, Heard]] = {}
        self._ahead: dict[Asked, asyncio.Future[dict[Question, Heard]]] = {}
        self._begun: list[asyncio.Future[dict[Question, Heard]]] = []
        self._insisting: Loader[Asked, Heard] = Loader(self._read_rows)
        self._heard: dict[AggregateKey, Heard] = {}
        self._is_alone = False
        self._pages: Loader[PageKey, OrdersPage | Failed] = Loader(self._load_pages)

    def read_alone(self) -> None:
        """Only one root field is going to ask: there is nobody to share a call with."""
        self._is_alone = True

    @property
    def guesses(self) -> Guesses | None:
        """What may be asked ahead on a guess; None where nothing is, as while orders are down."""
        are_orders_down = self._clients.orders.refuses(CallKind.READ)
        return None if are_orders_down else self._clients.guesses

    @property
    def links(self) -> Links | None:
        """Whom orders lead to that this viewer may see; None where nothing is guessed."""
        guesses = self._clients.guesses
        return None if guesses is None else OwnLinks(guesses.links, self._viewer)

    @property
    def log(self) -> CallLog | None:
        """Where is noted what happens, if anywhere."""
        return self._context.log

    def begin_rows(self, demanded: Mapping[AggregateKey, LiveDemand]) -> None:
        """Ask for rows that may be needed soon: `load_rows` of the same costs nothing more then.

        Nobody waits for them or hears of their failure; closing ends what is still on the wire.
        """
        for of in dict.fromkeys(key.type for key in demanded):
            asked = {Question(key): demanded[key] for key in demanded if key.type is of}
            if self._is_alone:
                self._begin(asked)
            else:
                self._loader_of(of).begin(asked.items())
        note_questions(self._context, map(Question, demanded), CallStep.GUESSED)

    def note_wasted(self, keys: Iterable[AggregateKey]) -> None:
        """Note that these were begun for nothing."""
        note_questions(self._context, map(Question, keys), CallStep.GUESSED, "wrong")

    async def load_rows(
        self, demanded: Mapping[AggregateKey, LiveDemand]
    ) -> dict[AggregateKey, LiveRow]:
        """One answer a key. Batched by type with everything else asked in this turn.

        An answer below its demanded version is asked for once more with ``Min-Version``; what is
        older even then is returned as it is, for the caller to tell.
        """
        heard = await self._hear(demanded)
        insisting = await self._insisting.load(
            (Question(key, demand.at_least.number), demand)
            for key, demand in demanded.items()
            if demand.at_least is not None and not demand.is_covered_by(heard[key].answer)
        )
        for (question, _), again in insisting.items():
            heard[question.key] = _newer(heard[question.key], again)
        self._heard.update(heard)
        self._learn(of.answer for of in heard.values())
        return {key: _live_row(heard[key]) for key in demanded}

    def asked_at_s(self, key: AggregateKey) -> float:
        """When (s of the loop) its owner was asked for what `load_rows` returned of it last.

        What was asked for before this reader began is the answer to somebody else's question.
        """
        return self._heard[key].asked_at_s

    def kept(self, key: AggregateKey) -> Kept | None:
        """Beside a failure: what is kept of its row, if this operation may be shown that."""
        heard = self._heard.get(key)
        return None if heard is None else heard.kept

    async def load_pages(self, keys: Iterable[PageKey]) -> dict[PageKey, OrdersPage | Failed]:
        """One answer a page; each is one call."""
        pages = await self._pages.load(keys)
        for page in pages.values():
            if isinstance(page, OrdersPage):
                self._learn(page.items)
        return pages

    def forget(self) -> None:
        """Let nothing that was asked by now answer what is asked from now on: a write lies between.

        What is still on the wire stays there for those who wait for it.
        """
        self._ahead.clear()
        for loader in self._loaders():
            loader.forget()

    def close(self) -> None:
        """Stop waiting for every call that is still on the wire. Idempotent."""
        for begun in self._begun:
            begun.cancel()
        for loader in self._loaders():
            loader.close()

    def _begin(self, asked: Mapping[Question, LiveDemand]) -> None:
        """Ask for these in a task of their own: nobody else can ask for them in this turn."""
        begun = asyncio.ensure_future(self._read(asked, self._context))
        self._begun.append(begun)
        self._ahead.update(dict.fromkeys(asked.items(), begun))

    def _learn(self, answers: Iterable[RowAnswer]) -> None:
        """Remember whom these orders lead to, for the next guess."""
        orders = [answer for answer in answers if isinstance(answer, OrderRow)]
        if orders and self._clients.guesses is not None:
            self._clients.guesses.links.learn(orders)

    def _loader_of(self, of: AggregateType) -> Loader[Asked, Heard]:
        if of not in self._rows:
            self._rows[of] = Loader(self._read_rows)
        return self._rows[of]

    def _loaders(self) -> Iterator[Loader[Asked, Heard] | Loader[PageKey, OrdersPage | Failed]]:
        yield from self._rows.values()
        yield self._insisting
        yield self._pages

    async def _hear(self, demanded: Mapping[AggregateKey, LiveDemand]) -> dict[AggregateKey, Heard]:
        """What is told of each: asked ahead, asked now, or by whoever else asks in this turn."""
        asked = {Question(key): demand for key, demand in demanded.items()}
        heard = await (self._hear_alone(asked) if self._is_alone else self._hear_together(asked))
        return {question.key: told for question, told in heard.items()}

    async def _hear_alone(self, asked: Mapping[Question, LiveDemand]) -> dict[Question, Heard]:
        ahead = {one[0]: self._ahead[one] for one in asked.items() if one in self._ahead}
        rest = {question: demand for question, demand in asked.items() if question not in ahead}
        heard = await self._read(rest, self._context) if rest else {}
        if ahead:
            await asyncio.wait(set(ahead.values()))
        return heard | {question: begun.result()[question] for question, begun in ahead.items()}

    async def _hear_together(self, asked: Mapping[Question, LiveDemand]) -> dict[Question, Heard]:
        futures = {one[0]: self._loader_of(one[0].key.type).start(one) for one in asked.items()}
        if futures:
            await asyncio.wait(futures.values())
        return {question: future.result() for question, future in futures.items()}

    async def _read_rows(self, asked: list[Asked]) -> list[Heard]:
        demands: dict[Question, LiveDemand] = {}
        for question, demand in asked:
            demands[question] = demand.joined_with(demands.get(question, demand))
        heard = await self._read(demands, self._context)
        return [heard[question] for question, _ in asked]

    async def _load_pages(self, keys: list[PageKey]) -> list[OrdersPage | Failed]:
        return await _all(self._load_page, keys)

    async def _load_page(self, key: PageKey) -> OrdersPage | Failed:
        try:
            return await self._clients.orders.fetch_page(
                key.customer_id,
                self._context,
                status=key.status,
                limit=key.first,
                after=key.after,
            )
        except UpstreamError as error:
            return Failed(without_frames(error))


async def _all(load: Callable[[K], Awaitable[V]], keys: Sequence[K]) -> list[V]:
    """One answer a key, in their order, all in parallel."""
    answers: dict[K, V] = {}

    async def store(key: K) -> None:
        answers[key] = await load(key)

    async with TaskGroup() as group:
        for key in keys:
            group.create_task(store(key))
    return [answers[key] for key in keys]


def _newer(heard: Heard, again: Heard) -> Heard:
    """What was heard first, unless asking once more has brought a newer row."""
    match heard.answer, again.answer:
        case _, None | UpstreamError():
            return heard
        case None | UpstreamError(), _:
            return again
        case first, second:
            return again if second.at > first.at else heard


def _live_row(heard: Heard) -> LiveRow:
    return Failed(heard.answer) if isinstance(heard.answer, UpstreamError) else heard.answer


def _now_s() -> float:
    return asyncio.get_running_loop().time()
