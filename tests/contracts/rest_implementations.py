"""Who obeys the REST contract: every implementation named here is put through the whole suite.

To plug one in, add a function that takes an empty directory and opens clients for its three services,
loaded with at least ten customers (`c-1` …), eight products (`p-1` …) and sixty orders (`o-1` …) of
every status, at version 1 of everything except the orders that shipped, arrived or were cancelled.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx

from tests.upstream_stubs.in_process import Services, open_services

Implementation = Callable[[Path], AbstractAsyncContextManager[Services]]

IMPLEMENTATIONS: dict[str, Implementation] = {"stubs": open_services}

PROBLEM_TYPE = "application/problem+json"


def problem_of(response: httpx.Response) -> dict[str, object]:
    """The problem an answer carries, after checking that it is a well-formed one."""
    problem = response.json()

    assert response.headers["Content-Type"] == PROBLEM_TYPE
    assert problem["type"] == f"urn:problem:{problem['code']}"
    assert problem["status"] == response.status_code
    assert problem["title"] and problem["detail"]
    return dict(problem)


async def place(
    services: Services, key: str, *, customer_id: str = "c-1", note: str | None = None
) -> dict[str, object]:
    """A new order of two pieces of p-1, answered with 201."""
    response = await services.orders.post(
        "/orders",
        headers={"Idempotency-Key": key},
        json={
            "customerId": customer_id,
            "items": [{"productId": "p-1", "quantity": 2}],
            "note": note,
        },
    )
    assert response.status_code == 201, response.text
    return dict(response.json())


async def some_order(services: Services, status: str) -> dict[str, object]:
    """The newest order in this state."""
    response = await services.orders.get("/orders", params={"status": status, "limit": "1"})
    return dict(response.json()["items"][0])
