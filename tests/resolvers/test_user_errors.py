"""What the user can mend comes back as user errors that name the field; nothing was written.

What no service need be asked about is refused here; what only the owner can know is the owner's.
"""

from typing import NamedTuple

import httpx
import pytest

from projections.views import OrderStatus
from tests.faults.misbehaviour import answering, misbehave
from tests.gateway_in_process import open_gateway, twins_of
from tests.graphql_answers import Json
from tests.resolvers.rows import SHOP, an_order

pytestmark = pytest.mark.steered_time

SHIPPED = an_order("o-2", status=OrderStatus.SHIPPED, version=3)
ERRORS = "{ consistencyToken userErrors { code field currentVersion } }"


class Told(NamedTuple):
    """One user error."""

    code: str
    field: str | None
    current_version: int | None = None

    @classmethod
    def of(cls, error: Json) -> "Told":
        field = error["field"]
        return cls(error["code"], field and ".".join(field), error["currentVersion"])


def place(
    customer: str = "c-1", items: str = '{productId: "p-1", quantity: 1}', more: str = ""
) -> str:
    return f'placeOrder(input: {{customerId: "{customer}", items: [{items}] {more}}})'


REFUSED_BY_OWNER = {
    "an unknown customer": (place("c-404"), Told("UNKNOWN_CUSTOMER", "input.customerId")),
    "an unknown product": (
        place(items='{productId: "p-1", quantity: 1}, {productId: "p-404", quantity: 1}'),
        Told("UNKNOWN_PRODUCT", "input.items.1.productId"),
    ),
    "an unknown order": (
        'updateOrder(input: {id: "o-404", note: "x"})',
        Told("NOT_FOUND", "input.id"),
    ),
    "an unknown order to cancel": (
        'cancelOrder(input: {id: "o-404"})',
        Told("NOT_FOUND", "input.id"),
    ),
    "a customer to change who is unknown": (
        'updateCustomer(input: {id: "c-404", name: "x"})',
        Told("NOT_FOUND", "input.id"),
    ),
    "a product to change that is unknown": (
        'updateProduct(input: {id: "p-404", stock: 1})',
        Told("NOT_FOUND", "input.id"),
    ),
    "a conflict": (
        'updateOrder(input: {id: "o-2", note: "x", expectedVersion: 2})',
        Told("VERSION_CONFLICT", "input.expectedVersion", 3),
    ),
    "a conflict of a customer": (
        'updateCustomer(input: {id: "c-1", name: "x", expectedVersion: 7})',
        Told("VERSION_CONFLICT", "input.expectedVersion", 1),
    ),
    "too late to cancel": (
        'cancelOrder(input: {id: "o-2"})',
        Told("TOO_LATE_TO_CANCEL", "input.id", 3),
    ),
}


@pytest.mark.parametrize(
    ("mutation", "told"), REFUSED_BY_OWNER.values(), ids=REFUSED_BY_OWNER.keys()
)
async def test_an_owners_refusal_is_a_user_error(mutation: str, told: Told) -> None:
    """The code is ours, the field is the input's, and there is no token: nothing was written."""
    twins = twins_of(*SHOP, SHIPPED)
    async with open_gateway(twins) as bff:
        answer = await bff.ask(f"mutation {{ it: {mutation} {ERRORS} }}")

        assert [Told.of(error) for error in answer.data["it"]["userErrors"]] == [told]
        assert answer.data["it"]["consistencyToken"] is None
        assert answer.token is None
        assert len(bff.hits) == 1


NEVER_RIGHT = {
    "a quantity of nothing": (
        place(items='{productId: "p-1", quantity: 0}'),
        [Told("INVALID_INPUT", "input.items.0.quantity")],
    ),
    "a negative quantity": (
        place(items='{productId: "p-1", quantity: 1}, {productId: "p-2", quantity: -5}'),
        [Told("INVALID_INPUT", "input.items.1.quantity")],
    ),
    "an empty order": (place(items=""), [Told("INVALID_INPUT", "input.items")]),
    "a malformed customer id": (place("c 1"), [Told("INVALID_INPUT", "input.customerId")]),
    "a malformed product id": (
        place(items='{productId: "p/1", quantity: 1}'),
        [Told("INVALID_INPUT", "input.items.0.productId")],
    ),
    "everything wrong at once": (
        place("", '{productId: "", quantity: -1}', ', idempotencyKey: "a b"'),
        [
            Told("INVALID_INPUT", "input.customerId"),
            Told("INVALID_INPUT", "input.items.0.productId"),
            Told("INVALID_INPUT", "input.items.0.quantity"),
            Told("INVALID_INPUT", "input.idempotencyKey"),
        ],
    ),
    "an empty idempotency key": (
        place(more=', idempotencyKey: ""'),
        [Told("INVALID_INPUT", "input.idempotencyKey")],
    ),
    "a malformed order id": (
        'updateOrder(input: {id: "../customers", note: "x"})',
        [Told("INVALID_INPUT", "input.id")],
    ),
    "an order without a change": (
        'updateOrder(input: {id: "o-1"})',
        [Told("INVALID_INPUT", "input.note")],
    ),
    "a malformed id to cancel": (
        'cancelOrder(input: {id: "-"})',
        [Told("INVALID_INPUT", "input.id")],
    ),
    "a version that cannot be": (
        'cancelOrder(input: {id: "o-1", expectedVersion: 0})',
        [Told("INVALID_INPUT", "input.expectedVersion")],
    ),
    "a customer without a change": (
        'updateCustomer(input: {id: "c-1"})',
        [Told("INVALID_INPUT", None)],
    ),
    "a name of null": (
        'updateCustomer(input: {id: "c-1", name: null})',
        [Told("INVALID_INPUT", "input.name")],
    ),
    "a product without a change": (
        'updateProduct(input: {id: "p-1"})',
        [Told("INVALID_INPUT", None)],
    ),
    "a negative price": (
        'updateProduct(input: {id: "p-1", price: "-1"})',
        [Told("INVALID_INPUT", "input.price")],
    ),
    "a price of nothing": (
        'updateProduct(input: {id: "p-1", price: "0"})',
        [Told("INVALID_INPUT", "input.price")],
    ),
    "a price without end": (
        'updateProduct(input: {id: "p-1", price: "Infinity"})',
        [Told("INVALID_INPUT", "input.price")],
    ),
    "a price that is none": (
        'updateProduct(input: {id: "p-1", price: "NaN"})',
        [Told("INVALID_INPUT", "input.price")],
    ),
}


@pytest.mark.parametrize(("mutation", "told"), NEVER_RIGHT.values(), ids=NEVER_RIGHT.keys())
async def test_what_can_never_be_right_is_refused_without_asking(
    mutation: str, told: list[Told]
) -> None:
    """Every fault is named at once, and no service is called."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(f"mutation {{ it: {mutation} {ERRORS} }}")

        assert [Told.of(error) for error in answer.data["it"]["userErrors"]] == told
        assert bff.calls == []


async def test_a_key_that_belongs_to_another_order_is_refused() -> None:
    """The same key with other words is a mistake of the caller, told as such."""
    keyed = ', idempotencyKey: "k-1"'
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.ask(f"mutation {{ {place(more=keyed)} {ERRORS} }}")

        other = place(items='{productId: "p-2", quantity: 1}', more=keyed)
        answer = await bff.ask(f"mutation {{ it: {other} {ERRORS} }}")

        told = Told("IDEMPOTENCY_KEY_REUSED", "input.idempotencyKey")
        assert [Told.of(error) for error in answer.data["it"]["userErrors"]] == [told]


async def test_a_refusal_in_strange_words_is_still_a_user_error() -> None:
    """A code that the contract does not know is passed on as a refusal, in our words."""
    twins = twins_of(*SHOP)
    strange = httpx.Response(422, json={"code": "moon-phase", "detail": "at db-7.internal"})
    misbehave(twins, "orders", answering(strange))
    async with open_gateway(twins) as bff:
        answer = await bff.ask(
            'mutation { it: updateOrder(input: {id: "o-1", note: "x"})'
            " { userErrors { code field message } } }"
        )

        [error] = answer.data["it"]["userErrors"]
        assert (error["code"], error["field"]) == ("REJECTED", None)
        assert "db-7" not in error["message"]


async def test_a_refused_write_leaves_the_next_one_alone() -> None:
    """User errors are data: the rest of the operation is carried out."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(
            f'mutation {{ bad: updateOrder(input: {{id: "o-404", note: "x"}}) {ERRORS}'
            f' good: updateOrder(input: {{id: "o-1", note: "x"}}) {ERRORS} }}'
        )

        assert answer.data["bad"]["userErrors"] != []
        assert answer.data["good"]["userErrors"] == []
        assert answer.data["good"]["consistencyToken"] == answer.token
