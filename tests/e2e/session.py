"""One session of the concurrent run: random writes and reads, remembered, under random weather.

Everything random comes from the session's own seed. The weather (feeds held back or slow) belongs
to the house and changes under all sessions at once; any of them may change it before a step.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.e2e.house import HELD, House
from tests.e2e.session_history import SessionHistory
from tests.e2e.shopper import Answer, Json, Shopper

SERVICES = ("orders", "customers", "products")
WEATHERS: tuple[tuple[Json, ...], ...] = (
    (),
    ({"path": "/events", "latencyMs": {"fixed": 40}},),
    (dict(HELD),),
    (dict(HELD),),
)
WEATHER_CHANGE_RATIO = 0.2
SHARED_ORDERS = ("o-301", "o-302")
SHARED_PRODUCTS = ("p-41", "p-42")
WAITS_MS = (0, 20, None)


@dataclass(slots=True)
class Session:
    """Runs steps one after the other; ``carries`` says whether it sends its joined token along."""

    house: House
    shopper: Shopper
    customer_id: str
    random: Random
    carries: bool
    history: SessionHistory = field(default_factory=SessionHistory)
    token: str | None = None
    orders: list[str] = field(default_factory=list)
    unsatisfied_count: int = 0

    def run(self, step_count: int) -> SessionHistory:
        """Take so many random steps."""
        steps: tuple[Callable[[], None], ...] = (
            *(self._place, self._annotate, self._annotate_shared, self._cancel, self._rename),
            *(self._restock, self._read_order, self._read_order, self._read_shared, self._list),
        )
        for _ in range(step_count):
            self._change_weather()
            self.random.choice(steps)()
        return self.history

    def _change_weather(self) -> None:
        if self.random.random() < WEATHER_CHANGE_RATIO:
            self.house.put_faults(self.random.choice(SERVICES), *self.random.choice(WEATHERS))

    def _place(self) -> None:
        items = [{"productId": self.random.choice(SHARED_PRODUCTS), "quantity": 1}]
        self.orders.append(
            self._write("placeOrder", {"customerId": self.customer_id, "items": items})
        )

    def _annotate(self) -> None:
        self._annotate_one(self._own_order())

    def _annotate_shared(self) -> None:
        self._annotate_one(self.random.choice(SHARED_ORDERS))

    def _annotate_one(self, order_id: str) -> None:
        self._write("updateOrder", {"id": order_id, "note": f"{self.random.random()}"})

    def _cancel(self) -> None:
        self._write("cancelOrder", {"id": self._own_order()})

    def _rename(self) -> None:
        self._write("updateCustomer", {"id": self.customer_id, "name": f"{self.random.random()}"})

    def _restock(self) -> None:
        given = {"id": self.random.choice(SHARED_PRODUCTS), "stock": self.random.randrange(10**9)}
        self._write("updateProduct", given)

    def _read_order(self) -> None:
        self._read_one(self._own_order())

    def _read_shared(self) -> None:
        self._read_one(self.random.choice(SHARED_ORDERS))

    def _own_order(self) -> str:
        if not self.orders:
            self._place()
        return self.random.choice(self.orders)

    def _write(self, mutation: str, given: Json) -> str:
        written = self.shopper.write(mutation, given, token=self._carried())
        self._take(written.answer)
        kind = "order" if "Order" in mutation else mutation.removeprefix("update").lower()
        self.history.write((kind, written.id), written.version)
        return written.id

    def _read_one(self, order_id: str) -> None:
        answer = self._take(self.shopper.order(order_id, self._demand(), token=self._carried()))
        order = answer.data["order"]
        self.history.read(("order", order_id), order["version"] if order else 0)
        if order:
            self.history.read(("customer", order["customer"]["id"]), order["customer"]["version"])
            for item in order["items"]:
                self.history.read(("product", item["product"]["id"]), item["product"]["version"])

    def _list(self) -> None:
        answer = self._take(
            self.shopper.orders(self.customer_id, self._demand(), token=self._carried())
        )
        listed = {
            edge["node"]["id"]: edge["node"]["version"] for edge in answer.data["orders"]["edges"]
        }
        for order_id in {*listed, *self.orders}:
            self.history.read(("order", order_id), listed.get(order_id, 0))

    def _carried(self) -> str | None:
        return self.token if self.carries else None

    def _demand(self) -> Json | None:
        """Sometimes the token also as an argument, with a shorter wait than the server's own."""
        wait_ms = self.random.choice(WAITS_MS)
        if not self.carries or self.token is None or wait_ms is None:
            return None
        return {"atLeast": {"tokens": [self.token], "maxWaitMs": wait_ms}}

    def _take(self, answer: Answer) -> Answer:
        assert answer.errors == [], answer.body
        self.token = answer.consistency["token"]
        self.unsatisfied_count += not answer.consistency["satisfied"]
        return answer
