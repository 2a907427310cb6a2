"""The REST contract, line by line of the table in `docs/contract.md`: good requests."""

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.contracts.rest_implementations import (
    WHEN_ASKED_PROPERLY,
    Implementation,
    place,
    problem_of,
    some_order,
)
from tests.upstream_stubs.in_process import Services

MONEY = re.compile(r"\d+\.\d{2}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(params=list(WHEN_ASKED_PROPERLY.values()), ids=list(WHEN_ASKED_PROPERLY))
async def services(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Services]:
    implementation: Implementation = request.param
    async with implementation(tmp_path) as services:
        yield services


async def test_order_is_read_in_its_published_shape(services: Services) -> None:
    """An order has the fields of the contract, money as two-place strings, its time in UTC."""
    response = await services.orders.get("/orders/o-1")

    order = response.json()
    assert response.status_code == 200
    assert set(order) == {
        *("id", "customerId", "status", "note", "currency", "total", "placedAt", "items"),
        *("version", "epoch", "causalDeps"),
    }
    assert set(order["items"][0]) == {"productId", "quantity", "unitPrice"}
    assert MONEY.fullmatch(order["total"])
    assert TIME.fullmatch(order["placedAt"])


async def test_order_total_is_the_sum_of_its_lines(services: Services) -> None:
    """Total equals the sum of quantity times unit price, to the cent, for every order."""
    response = await services.orders.get("/orders", params={"limit": "100"})

    for order in response.json()["items"]:
        lines = [Decimal(item["unitPrice"]) * item["quantity"] for item in order["items"]]
        assert Decimal(order["total"]) == sum(lines)


async def test_customer_and_product_are_read_in_their_published_shape(services: Services) -> None:
    """Customers and products have the fields of the contract, and nothing else."""
    customer = (await services.customers.get("/customers/c-1")).json()
    product = (await services.products.get("/products/p-1")).json()

    assert set(customer) == {"id", "name", "email", "version", "epoch"}
    assert set(product) == {"id", "name", "price", "currency", "stock", "version", "epoch"}
    assert MONEY.fullmatch(product["price"])


async def test_batch_answers_each_known_id_once_in_the_order_asked(services: Services) -> None:
    """A batch leaves unknown ids out and repeats none."""
    customers = await services.customers.get("/customers", params={"ids": "c-2,c-none,c-1,c-2"})
    products = await services.products.get("/products", params={"ids": "p-3"})

    assert [item["id"] for item in customers.json()["items"]] == ["c-2", "c-1"]
    assert [item["id"] for item in products.json()["items"]] == ["p-3"]


async def test_batch_of_a_hundred_ids_is_answered(services: Services) -> None:
    """A hundred ids fit in one batch."""
    ids = ",".join(f"c-{number}" for number in range(1, 101))

    response = await services.customers.get("/customers", params={"ids": ids})

    assert response.status_code == 200
    assert len(response.json()["items"]) >= 10


async def test_placed_order_is_answered_as_it_will_be_read(services: Services) -> None:
    """POST answers 201 and the order at version 1, priced by the service; a read shows the same."""
    price = (await services.products.get("/products/p-1")).json()["price"]

    order = await place(services, "key-1", note="Ring twice")

    assert (order["status"], order["note"], order["version"]) == ("PLACED", "Ring twice", 1)
    assert order["items"] == [{"productId": "p-1", "quantity": 2, "unitPrice": price}]
    assert (await services.orders.get(f"/orders/{order['id']}")).json() == order


async def test_repeated_post_is_answered_the_same_without_a_second_order(
    services: Services,
) -> None:
    """The same key and body get the first answer, even when the order has changed since."""
    order = await place(services, "key-1")
    await services.orders.patch(f"/orders/{order['id']}", json={"note": "changed"})

    again = await place(services, "key-1")

    listed = await services.orders.get("/orders", params={"limit": "2"})
    assert again == order
    assert [item["id"] for item in listed.json()["items"]].count(order["id"]) == 1


async def test_key_of_another_request_is_refused(services: Services) -> None:
    """One key cannot name two different orders."""
    await place(services, "key-1")

    body = {"customerId": "c-2", "items": [{"productId": "p-1", "quantity": 2}]}
    response = await services.orders.post(
        "/orders", headers={"Idempotency-Key": "key-1"}, json=body
    )

    problem = problem_of(response)
    assert (response.status_code, problem["code"]) == (422, "idempotency-key-reused")


async def test_note_is_set_and_cleared_one_version_each(services: Services) -> None:
    """PATCH of the note commits one version; null clears it."""
    order = await place(services, "key-1")
    path = f"/orders/{order['id']}"

    noted = (await services.orders.patch(path, json={"note": "Ring"})).json()
    cleared = (await services.orders.patch(path, json={"note": None})).json()

    assert (noted["note"], noted["version"]) == ("Ring", 2)
    assert (cleared["note"], cleared["version"]) == (None, 3)


async def test_change_that_changes_nothing_keeps_the_version(services: Services) -> None:
    """The same values again commit nothing."""
    customer = (await services.customers.get("/customers/c-1")).json()

    for same in ({"name": customer["name"]}, {}):
        again = (await services.customers.patch("/customers/c-1", json=same)).json()
        assert again == customer


async def test_customer_and_product_are_changed_field_by_field(services: Services) -> None:
    """PATCH sets what it names, leaves the rest, and raises the version by one."""
    customer = (await services.customers.get("/customers/c-1")).json()
    product = (await services.products.get("/products/p-1")).json()

    renamed = await services.customers.patch("/customers/c-1", json={"name": "Ada Lovelace"})
    repriced = await services.products.patch("/products/p-1", json={"price": "12.5", "stock": 0})

    assert renamed.json() == customer | {"name": "Ada Lovelace", "version": 2}
    assert repriced.json() == product | {"price": "12.50", "stock": 0, "version": 2}


@pytest.mark.parametrize(
    ("service", "path", "change"),
    [
        ("orders", "/orders/o-1", {"note": "again"}),
        ("customers", "/customers/c-1", {"name": "Ada"}),
        ("products", "/products/p-1", {"stock": 7}),
    ],
)
async def test_if_match_lets_only_the_present_version_be_changed(
    services: Services, service: str, path: str, change: dict[str, object]
) -> None:
    """A stale ``If-Match`` is answered 412 with the current version, and changes nothing."""
    client = getattr(services, service)
    before = (await client.get(path)).json()

    stale = await client.patch(path, json=change, headers={"If-Match": '"99"'})
    unchanged = (await client.get(path)).json()
    present = f'"{before["version"]}"'
    fresh = await client.patch(path, json=change, headers={"If-Match": present})

    problem = problem_of(stale)
    assert (stale.status_code, problem["code"]) == (412, "version-conflict")
    assert problem["currentVersion"] == before["version"]
    assert unchanged == before
    assert fresh.json()["version"] == before["version"] + 1


async def test_placed_order_is_cancelled_once(services: Services) -> None:
    """Cancel raises the version by one; again, it changes nothing; the reason is not published."""
    order = await place(services, "key-1")
    path = f"/orders/{order['id']}/cancel"

    cancelled = await services.orders.post(path, json={"reason": "too slow"})
    again = await services.orders.post(path, json={"reason": "still too slow"})

    assert cancelled.json() == order | {"status": "CANCELLED", "version": 2}
    assert again.status_code == 200
    assert again.json() == cancelled.json()


@pytest.mark.parametrize("status", ["SHIPPED", "DELIVERED"])
async def test_order_that_left_cannot_be_cancelled(services: Services, status: str) -> None:
    """It is too late to cancel what was shipped: 409."""
    order = await some_order(services, status)

    response = await services.orders.post(f"/orders/{order['id']}/cancel", json={"reason": "x"})

    problem = problem_of(response)
    assert (response.status_code, problem["code"]) == (409, "too-late-to-cancel")
    assert problem["currentVersion"] == order["version"]


async def test_keyed_change_is_done_once(services: Services) -> None:
    """PATCH honours an idempotency key: the repeat, ``If-Match`` and all, changes nothing."""
    order = await place(services, "key-1")
    path = f"/orders/{order['id']}"
    headers = {"Idempotency-Key": "key-2", "If-Match": '"1"'}

    first = await services.orders.patch(path, json={"note": "Ring"}, headers=headers)
    repeat = await services.orders.patch(path, json={"note": "Ring"}, headers=headers)

    assert (first.status_code, repeat.status_code) == (200, 200)
    assert repeat.json() == first.json()
    assert (await services.orders.get(path)).json()["version"] == 2


@pytest.mark.parametrize("demanded", ["0", "1"])
async def test_reached_min_version_is_answered(services: Services, demanded: str) -> None:
    """A read that demands a version already reached is answered as usual."""
    response = await services.customers.get("/customers/c-1", headers={"Min-Version": demanded})

    assert response.status_code == 200


async def test_min_version_ahead_of_the_service_is_told_how_far_it_is(services: Services) -> None:
    """A service that has not reached the demanded version answers 409 with its own."""
    for client, path in (
        (services.orders, "/orders/o-1"),
        (services.customers, "/customers/c-1"),
        (services.products, "/products/p-1"),
    ):
        present = (await client.get(path)).json()["version"]
        response = await client.get(path, headers={"Min-Version": str(present + 1)})

        problem = problem_of(response)
        assert (response.status_code, problem["code"]) == (409, "version-behind")
        assert problem["currentVersion"] == present


async def test_answers_carry_their_version_as_etag(services: Services) -> None:
    """``ETag`` is the quoted version, ready for ``If-Match``."""
    response = await services.products.get("/products/p-1")

    assert response.headers["ETag"] == f'"{response.json()["version"]}"'
