"""The REST contract for bad requests: a coded problem naming the field, and nothing written."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.rest_implementations import IMPLEMENTATIONS, Implementation, place, problem_of
from tests.upstream_stubs.in_process import Services

LINE = {"productId": "p-1", "quantity": 1}
ORDER = {"customerId": "c-1", "items": [LINE]}


@pytest.fixture(params=list(IMPLEMENTATIONS.values()), ids=list(IMPLEMENTATIONS))
async def services(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Services]:
    implementation: Implementation = request.param
    async with implementation(tmp_path) as services:
        yield services


async def event_counts(services: Services) -> list[int]:
    """How many events each service ever committed."""
    clients = (services.orders, services.customers, services.products)
    pages = [(await client.get("/events", params={"limit": "1"})).json() for client in clients]
    return [len(page["events"]) + page["remaining"] for page in pages]


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("orders", "/orders/o-none"),
        ("customers", "/customers/c-none"),
        ("products", "/products/p-none"),
        ("orders", "/nothing/here"),
        ("orders", "/orders/"),
    ],
)
async def test_unknown_resource_is_not_found(services: Services, service: str, path: str) -> None:
    """What does not exist is answered 404 `not-found`."""
    response = await getattr(services, service).get(path)

    assert (response.status_code, problem_of(response)["code"]) == (404, "not-found")


async def test_change_of_an_unknown_resource_is_not_found(services: Services) -> None:
    """Nothing is made by changing it."""
    answers = [
        await services.orders.patch("/orders/o-none", json={"note": "x"}),
        await services.orders.post("/orders/o-none/cancel", json={"reason": "x"}),
        await services.customers.patch("/customers/c-none", json={"name": "x"}),
        await services.products.patch("/products/p-none", json={"stock": 1}),
    ]

    for response in answers:
        assert (response.status_code, problem_of(response)["code"]) == (404, "not-found")


@pytest.mark.parametrize("id_", ["%00", "a%0A", "-a", "%C3%A9", "%ED%A0%80", "a" * 65, "a b"])
async def test_malformed_id_is_named(services: Services, id_: str) -> None:
    """An id that no resource can have is a malformed request."""
    for client, kind in ((services.orders, "orders"), (services.customers, "customers")):
        response = await client.get(f"/{kind}/{id_}")

        problem = problem_of(response)
        assert (response.status_code, problem["code"]) == (422, "invalid-request")
        assert problem["field"] == "id"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/orders?limit=0", "limit"),
        ("/orders?limit=101", "limit"),
        ("/orders?limit=many", "limit"),
        ("/orders?status=LOST", "status"),
        ("/orders?customerId=%00", "customerId"),
        ("/orders?cursor=", "cursor"),
        ("/orders?cursor=o-1", "cursor"),
        ("/orders?cursor=2025-02-30T00:00:00Z_o-1", "cursor"),
        ("/orders?cursor=2025-02-03T00:00:00_o-1", "cursor"),
        ("/orders?cursor=2025-02-03T00:00:00Z_%00", "cursor"),
        ("/events?limit=0", "limit"),
        ("/events?limit=1001", "limit"),
        ("/events?wait_s=-1", "wait_s"),
        ("/events?wait_s=31", "wait_s"),
        ("/events?wait_s=nan", "wait_s"),
    ],
)
async def test_malformed_parameter_is_named(services: Services, path: str, field: str) -> None:
    """Each query parameter is checked, and the one at fault named."""
    response = await services.orders.get(path)

    problem = problem_of(response)
    assert (response.status_code, problem["code"]) == (422, "invalid-request")
    assert problem["field"] == field


@pytest.mark.parametrize("ids", [None, "", "c-1,", ",", "c 1", "c-1,\x00"])
async def test_malformed_batch_is_refused(services: Services, ids: str | None) -> None:
    """A batch needs ids, and each must be one."""
    parameters = {} if ids is None else {"ids": ids}

    response = await services.customers.get("/customers", params=parameters)

    assert (response.status_code, problem_of(response)["field"]) == (422, "ids")


async def test_batch_of_more_than_a_hundred_ids_is_refused(services: Services) -> None:
    """A hundred and one ids are too many."""
    ids = ",".join(f"p-{number}" for number in range(101))

    response = await services.products.get("/products", params={"ids": ids})

    assert (response.status_code, problem_of(response)["field"]) == (422, "ids")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("If-Match", "1"),
        ("If-Match", 'W/"1"'),
        ("If-Match", '"one"'),
        ("If-Match", f'"{"9" * 5000}"'),
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "two words"),
        ("Idempotency-Key", "k" * 256),
    ],
)
async def test_malformed_header_is_named(services: Services, header: str, value: str) -> None:
    """A header that cannot be read is refused, never ignored."""
    response = await services.orders.patch(
        "/orders/o-1", json={"note": "x"}, headers={header: value}
    )

    assert (response.status_code, problem_of(response)["field"]) == (422, header)


@pytest.mark.parametrize("value", ["-1", "one", "1.0", "9" * 5000])
async def test_malformed_min_version_is_named(services: Services, value: str) -> None:
    """A demanded version is a whole number."""
    response = await services.orders.get("/orders/o-1", headers={"Min-Version": value})

    assert (response.status_code, problem_of(response)["field"]) == (422, "Min-Version")


async def test_order_without_an_idempotency_key_is_refused(services: Services) -> None:
    """Without a key a repeat could not be told from a second order."""
    response = await services.orders.post("/orders", json=ORDER)

    problem = problem_of(response)
    assert (response.status_code, problem["code"]) == (422, "invalid-request")
    assert problem["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"customerId": "c-none"}, "unknown-customer", "customerId"),
        ({"customerId": 7}, "invalid-request", "customerId"),
        ({"customerId": "c 1"}, "invalid-request", "customerId"),
        ({"items": []}, "invalid-request", "items"),
        ({"items": None}, "invalid-request", "items"),
        ({"items": [LINE, LINE]}, "invalid-request", "items.1.productId"),
        ({"items": [LINE] * 51}, "invalid-request", "items"),
        (
            {"items": [{"productId": "p-none", "quantity": 1}]},
            "unknown-product",
            "items.0.productId",
        ),
        ({"items": [LINE | {"quantity": 0}]}, "invalid-request", "items.0.quantity"),
        ({"items": [LINE | {"quantity": -1}]}, "invalid-request", "items.0.quantity"),
        ({"items": [LINE | {"quantity": 1001}]}, "invalid-request", "items.0.quantity"),
        ({"items": [LINE | {"quantity": 1.5}]}, "invalid-request", "items.0.quantity"),
        ({"items": [LINE | {"quantity": "1"}]}, "invalid-request", "items.0.quantity"),
        ({"items": [LINE | {"quantity": True}]}, "invalid-request", "items.0.quantity"),
        ({"items": [LINE | {"quantity": 10**400}]}, "invalid-request", "items.0.quantity"),
        ({"note": "n" * 1001}, "invalid-request", "note"),
        ({"note": "nul \x00"}, "invalid-request", "note"),
        ({"total": "0.01"}, "invalid-request", "total"),
    ],
)
async def test_impossible_order_is_refused_and_nothing_is_written(
    services: Services, change: dict[str, object], code: str, field: str
) -> None:
    """What cannot be ordered is refused with its field, and commits no event."""
    before = await event_counts(services)

    response = await services.orders.post(
        "/orders", json=ORDER | change, headers={"Idempotency-Key": "key-1"}
    )

    problem = problem_of(response)
    assert (response.status_code, problem["code"], problem["field"]) == (422, code, field)
    assert await event_counts(services) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"order"',
        b"NaN",
        b'{"customerId": NaN}',
        b'{"note": "\\ud800"}',
        b'{"note": "\xff"}',
        b"[" * 30_000,
        b'{"items":' * 5_000,
        b"9" * 30_000,
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_body_that_is_no_request_is_refused(services: Services, body: bytes) -> None:
    """Broken JSON, the wrong kind of JSON and bottomless JSON are malformed requests."""
    headers = {"Idempotency-Key": "key-1"}

    placed = await services.orders.post("/orders", content=body, headers=headers)
    patched = await services.customers.patch("/customers/c-1", content=body)

    for response in (placed, patched):
        assert (response.status_code, problem_of(response)["code"]) == (422, "invalid-request")


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("/customers/c-1", {"name": ""}, "name"),
        ("/customers/c-1", {"name": "   "}, "name"),
        ("/customers/c-1", {"name": "n" * 201}, "name"),
        ("/customers/c-1", {"name": None}, "name"),
        ("/customers/c-1", {"email": "nobody"}, "email"),
        ("/customers/c-1", {"email": "a@b"}, "email"),
        ("/customers/c-1", {"id": "c-2"}, "id"),
        ("/products/p-1", {"price": "0"}, "price"),
        ("/products/p-1", {"price": "-1.00"}, "price"),
        ("/products/p-1", {"price": "1.001"}, "price"),
        ("/products/p-1", {"price": 1.5}, "price"),
        ("/products/p-1", {"price": "NaN"}, "price"),
        ("/products/p-1", {"price": "1e3"}, "price"),
        ("/products/p-1", {"stock": -1}, "stock"),
        ("/products/p-1", {"stock": "1"}, "stock"),
        ("/products/p-1", {"version": 9}, "version"),
    ],
)
async def test_impossible_change_is_refused_and_nothing_is_written(
    services: Services, path: str, change: dict[str, object], field: str
) -> None:
    """A PATCH that would break a rule of the resource names the field and commits no event."""
    client = services.customers if path.startswith("/customers") else services.products
    before = await event_counts(services)

    response = await client.patch(path, json=change)

    problem = problem_of(response)
    assert (response.status_code, problem["code"]) == (422, "invalid-request")
    assert problem["field"] == field
    assert await event_counts(services) == before


async def test_too_long_note_or_reason_is_refused(services: Services) -> None:
    """A note has 1,000 characters at most, a reason 500."""
    order = await place(services, "key-1")
    path = f"/orders/{order['id']}"

    noted = await services.orders.patch(path, json={"note": "n" * 1001})
    cancelled = await services.orders.post(f"{path}/cancel", json={"reason": "r" * 501})

    assert (noted.status_code, problem_of(noted)["field"]) == (422, "note")
    assert (cancelled.status_code, problem_of(cancelled)["field"]) == (422, "reason")


async def test_body_over_64_kib_is_too_large(services: Services) -> None:
    """64 KiB are read; one byte more is refused with 413 before anything is parsed."""
    body = json.dumps({"note": ""}).encode()
    largest = body + b" " * (64 * 1024 - len(body))

    fits = await services.orders.patch("/orders/o-1", content=largest)
    exceeds = await services.orders.patch("/orders/o-1", content=largest + b" ")

    assert fits.status_code == 200
    assert (exceeds.status_code, problem_of(exceeds)["code"]) == (413, "body-too-large")


async def test_unknown_method_is_refused(services: Services) -> None:
    """A method that a resource does not have is answered 405."""
    response = await services.orders.delete("/orders/o-1")

    assert (response.status_code, problem_of(response)["code"]) == (405, "method-not-allowed")
