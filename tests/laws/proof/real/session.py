"""One session: a client that does this and that, at whichever gateway, and carries what it is told.

It holds the joined token of its last answer, or those of two answers that it asked for at once. A
write of which it does not know the outcome is repeated with its idempotency key, or not at all.
Everything random comes from the session's own seed.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final
from uuid import UUID

from projections.token import merge
from projections.versions import AggregateKey, AggregateType
from projections.views.orders import OrderStatus
from tests.e2e.shopper import SESSION_HEADER, TOKEN_HEADER
from tests.laws.proof.history import Operation, Outcome, Write
from tests.laws.proof.real.asking import (
    AS_USUAL,
    LIST,
    LIST_OF_A_CUSTOMER,
    ONE_ORDER,
    TWO_ROOTS,
    Asked,
    Chances,
    Intent,
    Json,
    Manner,
    Page,
    asked_page,
    asked_writes,
    page_after,
)
from tests.laws.proof.real.notebook import Held, Notebook
from tests.laws.proof.real.wire import Wire

SHARED_ORDERS: Final = tuple(f"o-{number}" for number in range(1, 7))
SHARED_PRODUCTS: Final = tuple(f"p-{number}" for number in range(1, 5))
PAGE_SIZES: Final = (1, 3, 8)
READS_BACK: Final = 0.5
KNOWN_COUNT: Final = 30


@dataclass(slots=True)
class Session:
    """``carries``: it sends its tokens along. ``customer_id``: whose orders it places and lists."""

    name: str
    customer_id: str
    wire: Wire
    notebook: Notebook
    random: Random
    carries: bool = True
    held: tuple[Held, ...] = ()
    orders: deque[str] = field(default_factory=lambda: deque(maxlen=KNOWN_COUNT))
    next_page: Asked | None = None
    unsettled: Json | None = None

    async def step(self) -> None:
        """One or two requests."""
        steps: tuple[tuple[int, Callable[[], Awaitable[object]]], ...] = (
            (22, self._read_order),
            (8, self._read_two_roots),
            (12, self._list),
            (6, self._go_on),
            (6, self._read_customer),
            (6, self._read_two_at_once),
            (9, self._place),
            (13, self._annotate),
            (4, self._cancel),
            (5, self._rename),
            (6, self._restock),
            (3, self._write_twice),
        )
        weights, choices = zip(*steps, strict=True)
        await self.random.choices(choices, weights)[0]()

    async def _read_order(self) -> None:
        await self._query(Asked(ONE_ORDER, {"id": self._any_order()}))

    async def _read_two_roots(self) -> None:
        variables = {"id": self._any_order(), "product": self._any_product()}
        await self._query(Asked(TWO_ROOTS, variables))

    async def _read_two_at_once(self) -> None:
        """Two answers, neither of which knows of the other; from then on both tokens are held."""
        async with asyncio.TaskGroup() as group:
            asked = [Asked(ONE_ORDER, {"id": self._any_order()}) for _ in range(2)]
            tasks = [group.create_task(self._exchange(one, self._manner())) for one in asked]
        self._hold(*(task.result() for task in tasks))

    async def _list(self) -> None:
        status = self.random.choice((None, None, *OrderStatus))
        page = Page(LIST, self.customer_id, self.random.choice(PAGE_SIZES), status)
        await self._query(asked_page(page))

    async def _go_on(self) -> None:
        """The next page of the list that was looked at last."""
        if self.next_page is None:
            await self._list()
        else:
            await self._query(self.next_page)

    async def _read_customer(self) -> None:
        page = Page("customer.orders", self.customer_id, first=3)
        variables = {"customer": self.customer_id, "first": page.first}
        await self._query(Asked(LIST_OF_A_CUSTOMER, variables, page=page))

    async def _place(self) -> None:
        """Place an order; one of which nobody knows whether it was placed comes first, again."""
        given = self.unsettled or {
            "customerId": self.customer_id,
            "items": [
                {"productId": product_id, "quantity": self.random.randint(1, 3)}
                for product_id in self.random.sample(SHARED_PRODUCTS, self.random.randint(1, 3))
            ],
            "note": self._text(),
            "idempotencyKey": self._text(),
        }
        intent = Intent("placeOrder", given, may_repeat=self.unsettled is not None)
        self.unsettled = given
        operation = await self._write(intent)
        if operation.writes[0].outcome is not Outcome.UNKNOWN:
            self.unsettled = None

    async def _annotate(self) -> None:
        await self._write(self._annotation())

    async def _cancel(self) -> None:
        """Cancel an order; one that is cancelled already stays as it is."""
        given = {"id": self._own_order(), "reason": self._text()}
        await self._write(Intent("cancelOrder", given, may_repeat=True))

    async def _rename(self) -> None:
        await self._write(self._renaming())

    async def _restock(self) -> None:
        given = {"id": self._any_product(), "stock": self.random.randrange(10**6)}
        await self._write(Intent("updateProduct", given))

    async def _write_twice(self) -> None:
        """Two writes in one operation, whose token promises both."""
        await self._write(self._annotation(), self._renaming())

    def _annotation(self) -> Intent:
        given: Json = {"id": self._any_order(), "note": self._text()}
        if self.random.random() < 0.1:
            given["expectedVersion"] = self.random.randint(1, 3)
        return Intent("updateOrder", given)

    def _renaming(self) -> Intent:
        return Intent("updateCustomer", {"id": self.customer_id, "name": self._text()})

    def _text(self) -> str:
        """Something that was never said before."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def _any_order(self) -> str:
        return self.random.choice((self._own_order(), self.random.choice(SHARED_ORDERS)))

    def _own_order(self) -> str:
        return self.random.choice(self.orders or SHARED_ORDERS)

    def _any_product(self) -> str:
        return self.random.choice(SHARED_PRODUCTS)

    def _manner(self) -> Manner:
        return Chances(self.random).manner([held.text for held in self.held if self.carries])

    async def _query(self, asked: Asked) -> None:
        self._hold(await self._exchange(asked, self._manner()))

    async def _write(self, *intents: Intent) -> Operation:
        """Write, and half of the time look at once what has become of it."""
        operation = await self._exchange(asked_writes(*intents), AS_USUAL)
        self._hold(operation)
        if self.random.random() < READS_BACK:
            await self._read_back(operation.writes[-1])
        return operation

    async def _read_back(self, write: Write) -> None:
        match write.key:
            case AggregateKey(type=AggregateType.ORDER, id=order_id):
                await self._query(Asked(ONE_ORDER, {"id": order_id}))
            case AggregateKey(type=AggregateType.PRODUCT, id=product_id):
                variables = {"id": self._any_order(), "product": product_id}
                await self._query(Asked(TWO_ROOTS, variables))
            case AggregateKey(type=AggregateType.CUSTOMER):
                await self._read_customer()
            case _:
                await self._list()

    async def _exchange(self, asked: Asked, manner: Manner) -> Operation:
        """One request and what becomes of it; the tokens held stay as they are."""
        held = self.held if self.carries else ()
        headers = {SESSION_HEADER: self.name}
        if held:
            headers[TOKEN_HEADER] = ", ".join(one.text for one in held)
        variables = {**asked.variables, "consistency": manner.argument}
        reply = await self.wire.post(
            {"query": asked.document, "variables": variables},
            headers,
            self.random.randrange(len(self.wire.addresses)),
        )
        brought = self.notebook.open_token(asked.cursor_token, self.name)
        operation = self.notebook.note(
            self.name,
            asked,
            reply,
            mode=manner.mode,
            carried=tuple(one.number for one in held),
            sent=merge(brought, *(one.token for one in held)),
        )
        self._learn(asked, reply.body or {}, operation)
        return operation

    def _hold(self, *operations: Operation) -> None:
        """From now on carry the tokens of these, unless none of them has any."""
        self.held = tuple(filter(None, map(held_of, operations))) or self.held

    def _learn(self, asked: Asked, body: Json, operation: Operation) -> None:
        """Know the orders that were shown, and where the list goes on."""
        for shown in () if operation.answer is None else operation.answer.shown:
            if shown.key.type is AggregateType.ORDER and shown.key.id not in self.orders:
                self.orders.append(shown.key.id)
        if asked.page is not None and asked.page.path == LIST:
            self.next_page = page_after(asked.page, body.get("data") or {}, operation.number)


def held_of(operation: Operation) -> Held | None:
    """The token that an operation has told, if it has."""
    if operation.answer is None or operation.answer.token_text is None:
        return None
    return Held(operation.number, operation.answer.token_text, operation.answer.got)
