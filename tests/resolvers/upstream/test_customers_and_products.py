"""The customer and product clients speak their services' contracts."""

from decimal import Decimal

import msgspec
import pytest

from resolvers.upstream.customers import CustomerChange
from resolvers.upstream.errors import Rejected
from resolvers.upstream.products import ProductChange
from tests.resolvers.upstream.builders import a_context, a_customer, a_product
from tests.resolvers.upstream.clients import clients_of


async def test_customer_and_product_are_fetched_as_their_rows() -> None:
    """A fetched row is the very row that the service owns."""
    async with clients_of(customers=[a_customer()], products=[a_product()]) as clients:
        customer = await clients.customers.fetch("c-1", a_context())
        product = await clients.products.fetch("p-1", a_context(), min_version=1)

    assert (customer, product) == (a_customer(), a_product())


async def test_products_come_in_batches() -> None:
    """Products are fetched by one call for many ids."""
    products = [a_product("p-1"), a_product("p-2")]

    async with clients_of(products=products) as clients:
        rows = await clients.products.fetch_batch(["p-1", "p-2"], a_context())

    assert rows == {row.id: row for row in products}


async def test_only_the_named_fields_of_a_customer_change() -> None:
    """None leaves a field as it is, and is not even sent."""
    async with clients_of(customers=[a_customer()]) as clients:
        change = CustomerChange(name="Ada Lovelace")
        customer = await clients.customers.update("c-1", change, a_context(), expected_version=1)

    sent = clients.twins.customers.calls.last.request
    assert msgspec.json.decode(sent.content) == {"name": "Ada Lovelace"}
    assert (customer.name, customer.email, customer.version) == (
        "Ada Lovelace",
        "ada@example.org",
        2,
    )


async def test_customer_who_has_moved_on_is_not_changed() -> None:
    """A guarded change of an outdated version is refused with the present one."""
    async with clients_of(customers=[a_customer(version=4)]) as clients:
        with pytest.raises(Rejected) as caught:
            await clients.customers.update(
                "c-1", CustomerChange(email="a@example.org"), a_context(), expected_version=3
            )

    assert (caught.value.problem_code, caught.value.current_version) == ("version-conflict", 4)


@pytest.mark.parametrize(
    ("price", "on_the_wire"),
    [(Decimal("12.50"), "12.50"), (Decimal("1E+2"), "100"), (Decimal(0), "0")],
)
async def test_price_travels_as_a_plain_decimal_string(price: Decimal, on_the_wire: str) -> None:
    """Money on the wire has no exponent, however the decimal was made."""
    async with clients_of(products=[a_product()]) as clients:
        product = await clients.products.update("p-1", ProductChange(price=price), a_context())

    sent = clients.twins.products.calls.last.request
    assert msgspec.json.decode(sent.content) == {"price": on_the_wire}
    assert product.price == price


async def test_stock_can_be_set_to_nothing() -> None:
    """Zero is a value, not the absence of a change."""
    async with clients_of(products=[a_product()]) as clients:
        product = await clients.products.update(
            "p-1", ProductChange(stock=0), a_context(), idempotency_key="k-1"
        )

    assert (product.stock, product.version) == (0, 2)
