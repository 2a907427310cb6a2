"""A session that goes to another gateway with every step, as behind a load balancer.

It carries its token and nothing else. A gateway that refuses the connection has taken nothing, so
the next one is asked, as a load balancer does; a request that was sent and is not answered is a
failure of the house. A write of which nobody knows the outcome is repeated with its idempotency
key, or not at all.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Final
from uuid import uuid4

import httpx

from tests.e2e.session_history import SessionHistory
from tests.e2e.shopper import EVENTUAL, Answer, Json, Shopper

SHARED_ORDERS: Final = ("o-1", "o-2")
SHARED_PRODUCTS: Final = ("p-1", "p-2")
WAITS_MS: Final = (0, 20, None)
ATTEMPT_COUNT: Final = 20

Ask = Callable[[Shopper], Answer]


@dataclass(slots=True)
class Roamer:
    """One session. ``carries``: it sends its joined token along.

    ``placed`` counts what the gateways said was placed, ``errors`` every code they answered with,
    ``failures`` is what must never be.
    """

    doors: Sequence[Shopper]
    customer_id: str
    random: Random
    carries: bool = True
    history: SessionHistory = field(default_factory=SessionHistory)
    token: str | None = None
    placed: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    step_count: int = 0
    refused_count: int = 0
    unsatisfied_count: int = 0
    slowest_s: float = 0.0
    _next_door: "cycle[Shopper]" = field(init=False)
    _unsettled: Json | None = None

    def __post_init__(self) -> None:
        self._next_door = cycle(self.doors)

    def step(self) -> None:
        """Write or read something, at the next gateway."""
        writes = (self._place, self._annotate, self._annotate_shared, self._cancel, self._rename)
        reads = (self._read_order, self._read_order, self._read_shared, self._list)
        self.random.choice((*writes, self._restock, *reads))()
        self.step_count += 1

    def _place(self) -> None:
        """Place an order; one of which nobody knows whether it was placed comes first, again."""
        if self._unsettled is None:
            self._unsettled = {
                "customerId": self.customer_id,
                "items": [{"productId": self.random.choice(SHARED_PRODUCTS), "quantity": 1}],
                "idempotencyKey": str(uuid4()),
            }
        order_id = self._write("placeOrder", self._unsettled)
        if order_id is not None:
            self.placed.append(order_id)
            self._unsettled = None

    def _annotate(self) -> None:
        if self.placed:
            self._annotate_one(self.random.choice(self.placed))

    def _annotate_shared(self) -> None:
        self._annotate_one(self.random.choice(SHARED_ORDERS))

    def _annotate_one(self, order_id: str) -> None:
        self._write("updateOrder", {"id": order_id, "note": f"{self.random.random()}"})

    def _cancel(self) -> None:
        if self.placed:
            self._write("cancelOrder", {"id": self.random.choice(self.placed)})

    def _rename(self) -> None:
        self._write("updateCustomer", {"id": self.customer_id, "name": f"{self.random.random()}"})

    def _restock(self) -> None:
        given = {"id": self.random.choice(SHARED_PRODUCTS), "stock": self.random.randrange(10**9)}
        self._write("updateProduct", given)

    def _read_order(self) -> None:
        if self.placed:
            self._read_one(self.random.choice(self.placed))

    def _read_shared(self) -> None:
        self._read_one(self.random.choice(SHARED_ORDERS))

    def _write(self, mutation: str, given: Json) -> str | None:
        """The id of what was written; None if nothing was, or nobody knows."""
        answer = self._ask(lambda door: door.mutate(mutation, given, token=self._carried()))
        payload = answer and (answer.body.get("data") or {}).get(mutation)
        if not payload:
            return None
        kind = "order" if "Order" in mutation else mutation.removeprefix("update").lower()
        written = payload[kind]
        if written is None:
            return None
        self.history.write((kind, written["id"]), written["version"])
        return str(written["id"])

    def _read_one(self, order_id: str) -> None:
        demand = self._demand()
        answer = self._ask(lambda door: door.order(order_id, demand, token=self._carried()))
        if answer is None or answer.errors:
            return
        order = answer.data["order"]
        self.history.read(("order", order_id), order["version"] if order else 0)
        if order:
            self.history.read(("customer", order["customer"]["id"]), order["customer"]["version"])
            for item in order["items"]:
                self.history.read(("product", item["product"]["id"]), item["product"]["version"])

    def _list(self) -> None:
        demand = self._demand()
        answer = self._ask(
            lambda door: door.orders(self.customer_id, demand, token=self._carried())
        )
        if answer is None or answer.errors:
            return
        edges = answer.data["orders"]["edges"]
        listed = {edge["node"]["id"]: edge["node"]["version"] for edge in edges}
        if len(listed) != len(edges):
            self.failures.append(f"an order is listed twice: {answer.body}")
        # A page has a hundred; what was placed before the hundred newest is not on it.
        for order_id in {*listed, *self.placed[-50:]}:
            self.history.read(("order", order_id), listed.get(order_id, 0))

    def _carried(self) -> str | None:
        return self.token if self.carries else None

    def _demand(self) -> Json | None:
        """Sometimes the token also as an argument, with a shorter wait than the server's own."""
        if not self.carries:
            return EVENTUAL
        wait_ms = self.random.choice(WAITS_MS)
        if self.token is None or wait_ms is None:
            return None
        return {"atLeast": {"tokens": [self.token], "maxWaitMs": wait_ms}}

    def _ask(self, ask: Ask) -> Answer | None:
        """The answer of the next gateway that takes the request; None if it was cut off."""
        for _ in range(ATTEMPT_COUNT):
            try:
                return self._take(ask(next(self._next_door)))
            except httpx.ConnectError:
                self.refused_count += 1
            except httpx.TransportError as error:
                self.failures.append(f"a request was sent and not answered: {error!r}")
                return None
        self.failures.append("no gateway took the request")
        return None

    def _take(self, answer: Answer) -> Answer:
        self.slowest_s = max(self.slowest_s, answer.took_s)
        codes = answer.codes
        self.errors.update(codes.values())
        if answer.response.status_code >= 500 or "INTERNAL_ERROR" in codes.values():
            self.failures.append(f"{answer.response.status_code} {answer.response.text[:500]}")
        if "extensions" in answer.body:
            self.token = answer.consistency["token"] or self.token
            self.unsatisfied_count += not (answer.consistency["satisfied"] or answer.errors)
        return answer
