"""How long the token of a session gets that writes a thousand orders, and whether it forgets one.

The session writes at one gateway, whose projection keeps up or stands still, and reads now and then
or only writes. Afterwards its orders are read there and at another gateway of the same keys, whose
projection still has them as they were and is healed by nobody: so whatever the token forgets is
shown stale. The control is a token that names every order, and at the other gateway a reader
without one. Both gateways are whole and in this process, time is steered, and of the machine
nothing is measured.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import async_solipsism

from benchmarks.figures import AtMost, Control, Figure
from benchmarks.processes import MeasurementFailed
from benchmarks.runs import Run
from projections.token import ConsistencyToken
from projections.token_size import size_of
from projections.versions import Version
from projections.views import OrderRow
from tests.gateway_in_process import GatewayInProcess, open_gateway, pass_time, twins_of
from tests.resolvers.rows import a_customer, a_product, an_order

WRITE_COUNT: Final = 1_000
READ_EVERY: Final = 10
WRITE_S: Final = 0.001
"""Between two writes: a thousand of them end before the projection's age alone sends reads live."""

READ_AT_ONCE: Final = 20
LONGEST_AIM: Final = AtMost(1024)
ID_CHARACTERS: Final = 18
"""As many as the order service gives to the ids of new orders."""

ORDER_ID: Final = "o-" + "0" * (ID_CHARACTERS - 2)
CUSTOMER_ID: Final = "c-" + "0" * (ID_CHARACTERS - 2)
PRODUCT_ID: Final = "p-" + "0" * (ID_CHARACTERS - 2)

WRITE_ONE: Final = """mutation ($id: ID!, $note: String!) {
  updateOrder(input: {id: $id, note: $note}) { order { version } } }"""
WRITE_THREE: Final = f"""mutation {{
  updateOrder(input: {{id: "{ORDER_ID}", note: "Ring"}}) {{ order {{ version }} }}
  updateCustomer(input: {{id: "{CUSTOMER_ID}", name: "Ada Lovelace"}}) {{ customer {{ version }} }}
  updateProduct(input: {{id: "{PRODUCT_ID}", stock: 3}}) {{ product {{ version }} }} }}"""
NO_WAIT: Final = "consistency: {atLeast: {tokens: [], maxWaitMs: 0}}"


@dataclass(frozen=True, slots=True)
class Habit:
    """What a session does besides writing, and whether the projection follows its writes."""

    reads_between: bool
    is_followed: bool

    def __str__(self) -> str:
        projection = "keeps up" if self.is_followed else "stands still"
        return f"projection {projection}{', reads between' if self.reads_between else ''}"


HABITS: Final = tuple(itertools.starmap(Habit, itertools.product((False, True), (True, False))))


@dataclass(slots=True)
class WritingSession:
    """One client that sends the last token it was given; ``lengths``: their characters.

    It writes at ``bff``; ``elsewhere`` has heard of nothing.
    """

    bff: GatewayInProcess
    elsewhere: GatewayInProcess
    token: str | None = None
    lengths: list[int] = field(default_factory=list)

    async def write_all(self, order_ids: Sequence[str], habit: Habit) -> None:
        """Change the note of each order to the order's own id."""
        for count, order_id in enumerate(order_ids, 1):
            await self._ask(WRITE_ONE, {"id": order_id, "note": order_id})
            if habit.is_followed:
                await self.bff.projection.apply(self.bff.twins.order_shelf.rows[order_id])
            if habit.reads_between and count % READ_EVERY == 0:
                await self._ask(*_asking_for([order_id]))
            await pass_time(WRITE_S)

    async def _ask(self, query: str, variables: dict[str, str]) -> None:
        answer = await self.bff.ask(query, variables, token=self.token)
        if answer.errors:
            raise MeasurementFailed(f"the gateway did not do as asked: {answer.errors}")
        self.token = answer.token
        self.lengths.append(len(answer.token))


async def stale_ids(
    bff: GatewayInProcess, order_ids: Sequence[str], token: str | None
) -> list[str]:
    """The orders that a reader with this token, who does not wait, is shown without their note."""
    stale: list[str] = []
    for start in range(0, len(order_ids), READ_AT_ONCE):
        some = order_ids[start : start + READ_AT_ONCE]
        answer = await bff.ask(*_asking_for(some), token=token)
        shown = zip(some, answer.data.values(), strict=True)
        stale += [order_id for order_id, order in shown if order["note"] != order_id]
    return stale


def measure(run: Run) -> Iterator[Figure]:
    """In this process, with no server: of ``run`` nothing is used."""
    del run
    yield from steered(small_figures())
    for habit in HABITS:
        yield from steered(session_figures(habit))


def steered(measuring: Coroutine[None, None, list[Figure]]) -> list[Figure]:
    """What it measures, on a clock that jumps to whatever is due next."""
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        return runner.run(measuring)


async def small_figures() -> list[Figure]:
    """Tokens of one write and of three."""
    one, three = await small_lengths()
    return [
        Figure(name="token of one entry", value=one, unit="characters", aim=AtMost(64)),
        Figure(name="token of three entries", value=three, unit="characters", aim=AtMost(128)),
    ]


async def small_lengths() -> tuple[int, int]:
    """Characters of the joined token after the write of one order, and of one row of each type."""
    customer, product = a_customer(CUSTOMER_ID), a_product(PRODUCT_ID)
    async with open_gateway(twins_of(an_order(ORDER_ID), customer, product)) as bff:
        one = await bff.ask(WRITE_ONE, {"id": ORDER_ID, "note": "Ring"})
        three = await bff.ask(WRITE_THREE)
        tokens = one.token, three.token
        if [len(bff.opened(token).entries) for token in tokens] != [1, 3]:
            raise MeasurementFailed(f"not one entry and three: {one.body}, {three.body}")
        return len(one.token), len(three.token)


async def session_figures(habit: Habit) -> list[Figure]:
    """The longest token of one session, and what a read of all its orders shows afterwards."""
    orders = demo_orders(WRITE_COUNT)
    ids = [order.id for order in orders]
    async with open_session(orders) as session:
        await session.write_all(ids, habit)
        unprotected = await stale_ids(session.elsewhere, ids, None)
        stale = await stale_ids(session.bff, ids, session.token)
        stale += await stale_ids(session.elsewhere, ids, session.token)
        told = parts_of(session.bff.opened(session.token or ""))
    return [
        Figure(
            name=f"longest token, {habit}",
            value=max(session.lengths),
            unit="characters",
            aim=LONGEST_AIM,
            control=Control("naming all", naming_length(orders)),
            note=f"{WRITE_COUNT:,} writes; at the end {told}",
        ),
        Figure(
            name=f"written orders shown stale, {habit}",
            value=len(stale),
            unit="orders",
            aim=AtMost(0),
            control=Control("without token", len(unprotected)),
        ),
    ]


@asynccontextmanager
async def open_session(orders: Sequence[OrderRow]) -> AsyncIterator[WritingSession]:
    """A session before two gateways, whose projections hold these orders."""
    twins = twins_of(*orders, a_customer(), a_product())
    async with open_gateway(twins) as bff, open_gateway(twins) as elsewhere:
        yield WritingSession(bff, elsewhere)


def demo_orders(order_count: int) -> list[OrderRow]:
    """So many orders without a note."""
    return [an_order(f"o-{n:016}", minute=n) for n in range(order_count)]


def naming_length(orders: Sequence[OrderRow]) -> int:
    """Characters of a token that named each of these orders, once written."""
    entries = {order.key: Version(order.epoch, order.version + 1) for order in orders}
    return -(-size_of(ConsistencyToken(entries)).byte_count * 4 // 3)


def parts_of(token: ConsistencyToken) -> str:
    """How many of what a token says."""
    counts = {
        "entries": len(token.entries),
        "floors": len(token.floor),
        "marks": len(token.marks),
        "doubts": len(token.doubts),
    }
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"


def _asking_for(order_ids: Sequence[str]) -> tuple[str, dict[str, str]]:
    """One query, always the same text for as many orders, and its variables."""
    names = [f"id{n}" for n in range(len(order_ids))]
    declared = ", ".join(f"${name}: ID!" for name in names)
    fields = " ".join(f"{name}: order(id: ${name}, {NO_WAIT}) {{ note }}" for name in names)
    return f"query ({declared}) {{ {fields} }}", dict(zip(names, order_ids, strict=True))
