"""One client of a soak: reads, lists, writes, and now and then leaves before she is answered.

She carries her token along, so whatever strikes the services she is never shown a world older than
the one she has seen. What an answer must never be is noted and not raised: the soak goes on.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Event
from typing import Final

import httpx

from tests.answer_truth import Untrue
from tests.e2e.session_history import Broken, SessionHistory
from tests.e2e.shopper import LIVE, ORDER, SESSION_HEADER, Answer, Json, Shopper, quiet_client

DEADLINE_S: Final = 2.0
GRACE_S: Final = 1.0
"""What a crowded machine may take on top of the gateway's own deadline."""

OVERLOADED: Final = "OVERLOADED"
OUR_MISTAKE: Final = "INTERNAL_ERROR"
PAUSE_S: Final = 0.15
LEAVES_AFTER_S: Final = 0.2
KEY_COUNT: Final = 10
"""Orders are placed by so many keys, so that no data grow that a gateway must keep."""

SHARED_ORDERS: Final = ("o-301", "o-302")
NO_ANSWER: Final = "no answer"


@dataclass(slots=True)
class Visitor:
    """Visits a gateway; ``failures`` are what must never happen, ``codes`` what she was told.

    ``untruths``: answers that say of themselves what the rest of them denies.
    """

    address: str
    name: str
    customer_id: str
    random: Random
    history: SessionHistory = field(default_factory=SessionHistory)
    token: str | None = None
    orders: set[str] = field(default_factory=set)
    codes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    untruths: list[str] = field(default_factory=list)
    answer_count: int = 0
    left_count: int = 0

    def visit(self, is_over: Event) -> None:
        """Take random steps until it is over."""
        steps: tuple[Callable[[Shopper], None], ...] = (
            *(self._read_own, self._read_own, self._read_any, self._read_any, self._read_live),
            *(self._list, self._place, self._annotate, self._rename, self._restock, self._leave),
        )
        with quiet_client(self.address) as http:
            shopper = Shopper(http, self.name)
            while not is_over.wait(self.random.uniform(0, PAUSE_S)):
                self._take(self.random.choice(steps), shopper)

    @property
    def broken(self) -> Counter[Broken]:
        return self.history.broken

    def _take(self, step: Callable[[Shopper], None], shopper: Shopper) -> None:
        try:
            step(shopper)
        except Untrue as untrue:
            self.untruths.append(str(untrue))
        except httpx.TransportError as lost:
            self.failures.append(f"{NO_ANSWER}: {lost!r}")

    def _place(self, shopper: Shopper) -> None:
        given = {
            "customerId": self.customer_id,
            "items": [{"productId": "p-41", "quantity": 1}],
            "idempotencyKey": f"{self.name}-{self.random.randrange(KEY_COUNT)}",
        }
        placed = self._write(shopper, "placeOrder", given)
        self.orders |= {placed} if placed else set()

    def _annotate(self, shopper: Shopper) -> None:
        order_id = self.random.choice(sorted(self.orders | {*SHARED_ORDERS}))
        self._write(shopper, "updateOrder", {"id": order_id, "note": f"{self.random.random()}"})

    def _rename(self, shopper: Shopper) -> None:
        given = {"id": self.customer_id, "name": f"{self.random.random()}"}
        self._write(shopper, "updateCustomer", given)

    def _restock(self, shopper: Shopper) -> None:
        given = {"id": "p-42", "stock": self.random.randrange(10**6)}
        self._write(shopper, "updateProduct", given)

    def _read_own(self, shopper: Shopper) -> None:
        self._read(shopper, self.random.choice(sorted(self.orders | {*SHARED_ORDERS})))

    def _read_any(self, shopper: Shopper) -> None:
        self._read(shopper, f"o-{self.random.randint(1, 1000)}")

    def _read_live(self, shopper: Shopper) -> None:
        self._read(shopper, f"o-{self.random.randint(1, 1000)}", LIVE)

    def _list(self, shopper: Shopper) -> None:
        listed = self._judge(shopper.orders(self.customer_id, token=self.token)).get("orders")
        for edge in (listed or {}).get("edges") or ():
            if edge["node"] is not None:
                self.history.read(("order", edge["node"]["id"]), edge["node"]["version"])

    def _leave(self, _: Shopper) -> None:
        """Ask for a page, and be gone before it is there, more often than not."""
        variables = {"id": f"o-{self.random.randint(1, 1000)}", "consistency": LIVE}
        headers = {SESSION_HEADER: self.name}
        impatience_s = self.random.uniform(0.001, LEAVES_AFTER_S)
        self.left_count += 1
        with quiet_client(self.address) as http, suppress(httpx.TimeoutException):
            asked = {"query": ORDER, "variables": variables}
            http.post("/graphql", json=asked, headers=headers, timeout=impatience_s)
            self.left_count -= 1

    def _read(self, shopper: Shopper, order_id: str, consistency: Json | None = None) -> None:
        data = self._judge(shopper.order(order_id, consistency, token=self.token))
        order = data.get("order")
        if order is None:
            return
        self.history.read(("order", order_id), order["version"])
        parts = [("customer", order["customer"])]
        parts += [("product", item["product"]) for item in order["items"] or ()]
        for kind, part in parts:
            if part is not None:
                self.history.read((kind, part["id"]), part["version"])

    def _write(self, shopper: Shopper, mutation: str, given: Json) -> str | None:
        payload = self._judge(shopper.mutate(mutation, given, token=self.token)).get(mutation)
        kind = "order" if "Order" in mutation else mutation.removeprefix("update").lower()
        resource = (payload or {}).get(kind)
        if resource is None:
            return None
        self.history.write((kind, resource["id"]), resource["version"])
        return str(resource["id"])

    def _judge(self, answer: Answer) -> Json:
        """Note what was told; what is shown, nothing where the operation was not run."""
        self.answer_count += 1
        codes = [error["extensions"]["code"] for error in answer.errors]
        self.codes.update(codes)
        if answer.took_s > DEADLINE_S + GRACE_S:
            self.failures.append(f"took {answer.took_s:.1f} s: {answer.response.text[:500]}")
        if OUR_MISTAKE in codes or (answer.response.is_server_error and OVERLOADED not in codes):
            self.failures.append(f"{answer.response.status_code}: {answer.response.text[:500]}")
        told = answer.body.get("extensions", {}).get("consistency", {})
        self.token = told.get("token") or self.token
        data: Json = answer.body.get("data") or {}
        return data
