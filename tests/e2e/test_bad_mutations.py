"""Mutations that cannot be: blamed on a field, by a code, with nothing written anywhere."""

import pytest

from tests.e2e.shopper import Json, Shopper, order_input

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("nothing_written")]


def lines(*quantities_of: tuple[str, int]) -> list[Json]:
    """The lines of an order: product and quantity each."""
    return [{"productId": product_id, "quantity": count} for product_id, count in quantities_of]


@pytest.mark.parametrize(
    ("mutation", "given", "code", "field"),
    [
        ("placeOrder", order_input(items=[]), "INVALID_INPUT", "items"),
        (
            "placeOrder",
            order_input(items=lines(("p-1", -1))),
            "INVALID_INPUT",
            "items.0.quantity",
        ),
        (
            "placeOrder",
            order_input(items=lines(("p-1", 0))),
            "INVALID_INPUT",
            "items.0.quantity",
        ),
        (
            "placeOrder",
            order_input(items=lines(("p-1", 1001))),
            "INVALID_INPUT",
            "items.0.quantity",
        ),
        (
            "placeOrder",
            order_input(items=lines(("p-0", 1))),
            "UNKNOWN_PRODUCT",
            "items.0.productId",
        ),
        (
            "placeOrder",
            order_input(items=lines(("../p", 1))),
            "INVALID_INPUT",
            "items.0.productId",
        ),
        (
            "placeOrder",
            order_input(items=lines(("p-1", 1), ("p-1", 1))),
            "INVALID_INPUT",
            "items.1.productId",
        ),
        (
            "placeOrder",
            order_input(items=lines(*((f"p-{n}", 1) for n in range(1, 52)))),
            "INVALID_INPUT",
            "items",
        ),
        ("placeOrder", order_input("c-0"), "UNKNOWN_CUSTOMER", "customerId"),
        ("placeOrder", order_input("c 1"), "INVALID_INPUT", "customerId"),
        ("placeOrder", order_input(note="n" * 1001), "INVALID_INPUT", "note"),
        ("placeOrder", order_input(idempotencyKey="ö"), "INVALID_INPUT", "idempotencyKey"),
        ("placeOrder", order_input(idempotencyKey=""), "INVALID_INPUT", "idempotencyKey"),
        ("updateOrder", {"id": "o-0", "note": "n"}, "NOT_FOUND", "id"),
        ("updateOrder", {"id": "../x", "note": "n"}, "INVALID_INPUT", "id"),
        ("updateOrder", {"id": "o-1"}, "INVALID_INPUT", "note"),
        (
            "updateOrder",
            {"id": "o-1", "note": "n", "expectedVersion": 9},
            "VERSION_CONFLICT",
            "expectedVersion",
        ),
        (
            "updateOrder",
            {"id": "o-1", "note": "n", "expectedVersion": -1},
            "INVALID_INPUT",
            "expectedVersion",
        ),
        ("cancelOrder", {"id": "o-0"}, "NOT_FOUND", "id"),
        ("cancelOrder", {"id": "o-1", "reason": "r" * 501}, "INVALID_INPUT", "reason"),
        ("updateCustomer", {"id": "c-1"}, "INVALID_INPUT", ""),
        ("updateCustomer", {"id": "c-1", "name": None}, "INVALID_INPUT", "name"),
        ("updateCustomer", {"id": "c-1", "name": ""}, "INVALID_INPUT", "name"),
        ("updateCustomer", {"id": "c-1", "email": "nobody"}, "INVALID_INPUT", "email"),
        ("updateCustomer", {"id": "c-0", "name": "N"}, "NOT_FOUND", "id"),
        ("updateProduct", {"id": "p-1", "price": "-1.00"}, "INVALID_INPUT", "price"),
        ("updateProduct", {"id": "p-1", "price": "1.999"}, "INVALID_INPUT", "price"),
        ("updateProduct", {"id": "p-1", "stock": -1}, "INVALID_INPUT", "stock"),
    ],
)
def test_bad_mutation_is_blamed_on_its_field(
    shopper: Shopper, mutation: str, given: Json, code: str, field: str
) -> None:
    """What the user can mend comes back as a user error with code and field, and no promise."""
    written = shopper.write(mutation, given)

    [error] = written.user_errors
    assert (error["code"], ".".join(error["field"] or ["input"])) == (
        code,
        ".".join(filter(None, ("input", field))),
    )
    assert written.resource is None
    assert written.payload["consistencyToken"] is None


def test_order_that_is_on_its_way_cannot_be_cancelled(shopper: Shopper) -> None:
    """A delivered order is too late to cancel, and the user is told so."""
    delivered = shopper.ask(
        '{ orders(customerId: "c-1", status: DELIVERED, first: 1) { edges { node { id } } } }'
    )
    [edge] = delivered.data["orders"]["edges"]

    written = shopper.write("cancelOrder", {"id": edge["node"]["id"]})

    assert [error["code"] for error in written.user_errors] == ["TOO_LATE_TO_CANCEL"]


def test_version_conflict_tells_the_version_there_is(shopper: Shopper) -> None:
    """Who is late learns the present version, so that she can read it and decide."""
    present = shopper.order("o-2").data["order"]["version"]

    given = {"id": "o-2", "note": "n", "expectedVersion": present + 1}
    [error] = shopper.write("updateOrder", given).user_errors

    assert error["currentVersion"] == present
