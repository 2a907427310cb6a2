"""The point of it all: with her token a client sees her own writes, however late the projection is.

Every test holds a feed back, so that the projection cannot know of the write, and first shows the
control: the same read without the token answers with the old world.
"""

import pytest

from tests.e2e.house import HELD, House
from tests.e2e.processes import eventually
from tests.e2e.shopper import EVENTUAL, Shopper, Written, listed_ids

pytestmark = pytest.mark.e2e

NOT_YET = ("LIVE", "TOKEN_NOT_REACHED")


def placed_and_projected(shopper: Shopper, customer_id: str, *, note: str | None = None) -> Written:
    """A new order that the projection holds from its feed."""
    placed = shopper.place(customer_id, note=note)
    eventually(
        lambda: shopper.order(placed.id, EVENTUAL).data["order"], about="the order is projected"
    )
    return placed


def test_order_just_placed_is_read_by_its_token(house: House, shopper: Shopper) -> None:
    """A new order is shown to who brings its token while the projection does not know of it."""
    with house.with_faults("orders", HELD):
        placed = shopper.place("c-101", note="for the porch")

        without = shopper.order(placed.id, EVENTUAL)
        by_token = shopper.order(placed.id, token=placed.token)

    assert without.data["order"] is None
    assert by_token.data["order"]["note"] == "for the porch"
    assert by_token.shown("order") == NOT_YET
    assert by_token.shown("order.customer")[0] == "PROJECTION"
    assert by_token.consistency["satisfied"] is True


def test_order_just_placed_is_in_the_list_of_who_brings_its_token(
    house: House, shopper: Shopper
) -> None:
    """A list shows the caller's newest order first, although the projected list lacks it."""
    with house.with_faults("orders", HELD):
        placed = shopper.place("c-102")

        without = shopper.orders("c-102")
        by_token = shopper.orders("c-102", token=placed.token)

    assert placed.id not in listed_ids(without)
    assert listed_ids(by_token) == [placed.id, *listed_ids(without)]
    assert by_token.consistency["satisfied"] is True


def test_new_note_is_read_by_its_token(house: House, shopper: Shopper) -> None:
    """A changed note is shown to who brings its token; others may still see the old one."""
    order = placed_and_projected(shopper, "c-103", note="old")

    with house.with_faults("orders", HELD):
        written = shopper.write("updateOrder", {"id": order.id, "note": "new"})
        without = shopper.order(order.id)
        by_token = shopper.order(order.id, token=written.token)

    assert (without.data["order"]["note"], without.data["order"]["version"]) == ("old", 1)
    assert without.shown("order") == ("PROJECTION", "DEFAULT")
    assert (by_token.data["order"]["note"], by_token.data["order"]["version"]) == ("new", 2)
    assert by_token.shown("order") == NOT_YET


def test_cancelled_order_is_read_by_its_token(house: House, shopper: Shopper) -> None:
    """A cancelled order is cancelled to who brings its token, in the details and in the lists."""
    order = placed_and_projected(shopper, "c-104")

    with house.with_faults("orders", HELD):
        written = shopper.write("cancelOrder", {"id": order.id, "reason": "too late"})
        without = shopper.order(order.id)
        placed_without = shopper.orders("c-104", status="PLACED")
        placed_by_token = shopper.orders("c-104", status="PLACED", token=written.token)
        cancelled_by_token = shopper.orders("c-104", status="CANCELLED", token=written.token)
        by_token = shopper.order(order.id, token=written.token)

    assert without.data["order"]["status"] == "PLACED"
    assert order.id in listed_ids(placed_without)
    assert order.id not in listed_ids(placed_by_token)
    assert order.id in listed_ids(cancelled_by_token)
    assert by_token.data["order"]["status"] == "CANCELLED"


def test_renamed_customer_is_shown_in_her_order_by_the_token(
    house: House, shopper: Shopper
) -> None:
    """Only what the token demands is fetched: the customer comes live, the order projected."""
    order = placed_and_projected(shopper, "c-105")

    with house.with_faults("customers", HELD):
        renamed = shopper.write("updateCustomer", {"id": "c-105", "name": "Ada Lovelace"})
        without = shopper.order(order.id)
        by_token = shopper.order(order.id, token=renamed.token)

    assert without.data["order"]["customer"]["name"] != "Ada Lovelace"
    assert by_token.data["order"]["customer"]["name"] == "Ada Lovelace"
    assert by_token.shown("order.customer") == NOT_YET
    assert by_token.shown("order")[0] == "PROJECTION"


def test_projection_that_has_caught_up_meets_the_token(house: House, shopper: Shopper) -> None:
    """Once the feed flows again the same token is met from the projection, without a call."""
    order = placed_and_projected(shopper, "c-106", note="old")

    with house.with_faults("orders", HELD):
        written = shopper.write("updateOrder", {"id": order.id, "note": "new"})
        held = shopper.order(order.id, EVENTUAL)
    eventually(
        lambda: shopper.order(order.id, EVENTUAL).data["order"]["note"] == "new",
        about="the projection catches up",
    )
    by_token = shopper.order(order.id, token=written.token)

    assert held.data["order"]["note"] == "old"
    assert held.shown("order") == ("PROJECTION", "DEFAULT")
    assert by_token.shown("order") == ("PROJECTION", "TOKEN_REACHED")
    assert by_token.consistency["satisfied"] is True


def test_error_on_timeout_names_what_the_projection_lacks(house: House, shopper: Shopper) -> None:
    """Who prefers an error to a live answer is told which version of what is missing."""
    order = placed_and_projected(shopper, "c-107")

    with house.with_faults("orders", HELD):
        written = shopper.write("updateOrder", {"id": order.id, "note": "new"})
        at_least = {"tokens": [written.token], "maxWaitMs": 20, "onTimeout": "ERROR"}
        refused = shopper.order(order.id, {"atLeast": at_least})

    assert refused.data["order"] is None
    assert refused.codes == {"order": "CONSISTENCY_TIMEOUT"}
    assert refused.consistency["satisfied"] is False
    assert refused.errors[0]["extensions"]["missing"] == [
        {"type": "order", "id": order.id, "version": 2, "epoch": 1}
    ]
