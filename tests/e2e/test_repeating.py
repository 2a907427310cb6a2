"""Doing it twice: a mutation that is repeated because its answer was lost."""

import pytest

from tests.e2e.house import House
from tests.e2e.shopper import LIVE, Shopper, listed_ids, order_input

pytestmark = pytest.mark.e2e

LINES = [{"productId": "p-2", "quantity": 1}]


def test_order_placed_twice_with_one_key_is_one_order(house: House, shopper: Shopper) -> None:
    """The same key and input answer with the first order; another key makes another order."""
    before = house.event_counts()["orders"]

    first = shopper.place("c-121", idempotencyKey="wish-1")
    again = shopper.place("c-121", idempotencyKey="wish-1")
    other = shopper.place("c-121", idempotencyKey="wish-2")

    assert again.id == first.id
    assert other.id != first.id
    assert house.event_counts()["orders"] == before + 2


def test_key_of_another_wish_is_refused(house: House, shopper: Shopper) -> None:
    """A key that was used with another input is blamed on the key, and nothing is written."""
    shopper.place("c-122", idempotencyKey="wish-3")
    before = house.event_counts()

    reused = shopper.place("c-122", idempotencyKey="wish-3", items=LINES)

    assert [error["code"] for error in reused.user_errors] == ["IDEMPOTENCY_KEY_REUSED"]
    assert house.event_counts() == before


def test_order_whose_answer_was_lost_is_placed_once(house: House, shopper: Shopper) -> None:
    """When the service writes and its answer is lost, that is told, and a repeat makes no other."""
    before = listed_ids(shopper.orders("c-123", LIVE))

    with house.with_faults("orders", {"path": "/orders", "methods": ["POST"], "dropAnswer": True}):
        lost = shopper.mutate("placeOrder", order_input("c-123", idempotencyKey="wish-4"))
    placed = shopper.place("c-123", idempotencyKey="wish-4")

    assert lost.codes == {"placeOrder": "UPSTREAM_UNAVAILABLE"}
    assert lost.errors[0]["extensions"]["outcome"] == "UNKNOWN"
    assert listed_ids(shopper.orders("c-123", LIVE)) == [placed.id, *before]
