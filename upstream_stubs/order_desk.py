"""What may be done to orders, and when: place, note, cancel.

The rule: an order is placed against the service's own copy of customers and products (`replica`),
so that no other service has to be up for it. A parcel that left cannot be called back. What the
writer saw is no part of what she asks: a repeat under the same key may have seen more by now.
"""

import secrets
from typing import Annotated, Final

from fastapi import Response
from pydantic import StringConstraints

from upstream_stubs.causality import CausalDeps, caused, with_causes
from upstream_stubs.idempotency import Answer, AnswerBook, Attempt
from upstream_stubs.outbox import Outbox
from upstream_stubs.placing import Note, PlaceOrder, new_order, new_order_id
from upstream_stubs.problems import ProblemError, Refusal
from upstream_stubs.records import Records
from upstream_stubs.replica import Replica
from upstream_stubs.request_parsing import NO_NUL, Body
from upstream_stubs.resources import Order, OrderStatus

TABLE: Final = "CREATE TABLE cancellation (order_id TEXT PRIMARY KEY, reason TEXT) STRICT"
"""Why orders were cancelled: kept for the service's own people, not published."""

LEFT: Final = (OrderStatus.SHIPPED, OrderStatus.DELIVERED)


class OrderPatch(Body):
    """``note`` sets the note, null clears it, its absence leaves it."""

    note: Note | None = None


class CancelOrder(Body):
    """Why, in the client's words."""

    reason: Annotated[str, StringConstraints(max_length=500), NO_NUL] | None = None


class OrderDesk:
    """The mutations of orders; each runs in one transaction, and once for each idempotency key."""

    def __init__(self, outbox: Outbox[Order], answers: AnswerBook, replica: Replica) -> None:
        self._outbox = outbox
        self._answers = answers
        self._replica = replica
        self._records = Records(outbox, answers)

    def place(self, wish: PlaceOrder, key: str, saw: CausalDeps) -> Response:
        """201 and the order. Raises ProblemError for what cannot be ordered, or not yet."""
        attempt = Attempt(key, ("POST order", wish.render()))
        return self._answers.once(attempt, lambda: self._place(wish, saw)).render()

    def note(
        self,
        id_: str,
        patch: OrderPatch,
        saw: CausalDeps,
        *,
        expected: int | None,
        key: str | None,
    ) -> Response:
        """The order with its note changed."""
        return self._records.change(
            id_,
            Attempt(key, ("PATCH order", id_, str(expected), patch.render())),
            expected=expected,
            event_type="order.updated",
            change=caused(lambda order: order.model_copy(update=patch.changes()), saw),
        )

    def cancel(
        self,
        id_: str,
        wish: CancelOrder,
        saw: CausalDeps,
        *,
        expected: int | None,
        key: str | None,
    ) -> Response:
        """The cancelled order; one that is cancelled already stays as it is."""
        return self._records.change(
            id_,
            Attempt(key, ("POST cancel", id_, str(expected), wish.render())),
            expected=expected,
            event_type="order.cancelled",
            change=caused(lambda order: self._cancel(order, wish), saw),
        )

    def _place(self, wish: PlaceOrder, saw: CausalDeps) -> Answer:
        self._refuse_unready()
        if not self._replica.has_customer(wish.customer_id):
            detail = f"there is no customer {wish.customer_id}"
            raise ProblemError(Refusal.UNKNOWN_CUSTOMER, detail, field="customerId")
        now = self._outbox.now()
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)  # what the JSON can say
        placed = new_order(
            wish,
            self._replica.prices_of([item.product_id for item in wish.items]),
            id_=new_order_id(at, secrets.randbelow),
            epoch=self._outbox.database.epoch,
            at=at,
        )
        order = with_causes(placed, saw)
        self._outbox.commit(order, "order.placed")
        return Answer(201, order.version, order.render())

    def _refuse_unready(self) -> None:
        if not self._replica.ready.is_set():
            detail = "the order service does not know all customers and products yet"
            raise ProblemError(Refusal.NOT_READY, detail, retry_after_s=1)

    def _cancel(self, order: Order, wish: CancelOrder) -> Order:
        if order.status is OrderStatus.CANCELLED:
            return order
        if order.status in LEFT:
            detail = f"{order.id} is {order.status.lower()}"
            raise ProblemError(
                Refusal.TOO_LATE_TO_CANCEL, detail, field="id", current_version=order.version
            )
        self._outbox.database.change(
            "INSERT INTO cancellation VALUES (?, ?)", order.id, wish.reason
        )
        return order.model_copy(update={"status": OrderStatus.CANCELLED})
