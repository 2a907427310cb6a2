"""Who obeys the REST contract: every implementation named here is put through the whole suite.

To plug one in, add a function that takes an empty directory and opens clients for its three
services, loaded with at least ten customers (`c-1` …), eight products (`p-1` …) and sixty orders
(`o-1` …) of every status; customers and products at version 1.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx

from tests.contracts.twin_services import open_twins
from tests.upstream_stubs.in_process import Services, open_services

Json = dict[str, Any]

Implementation = Callable[[Path], AbstractAsyncContextManager[Services]]

IMPLEMENTATIONS: dict[str, Implementation] = {"stubs": open_services}

WHEN_ASKED_PROPERLY: dict[str, Implementation] = {**IMPLEMENTATIONS, "twins": open_twins}
"""Those that keep the contract towards whoever keeps it: twins check no input and have no feed."""

PROBLEM_TYPE = "application/problem+json"


def problem_of(response: httpx.Response) -> Json:
    """The problem an answer carries, after checking that it is a well-formed one."""
    problem: Json = response.json()

    assert response.headers["Content-Type"] == PROBLEM_TYPE
    assert problem["type"] == f"urn:problem:{problem['code']}"
    assert problem["status"] == response.status_code
    assert problem["title"]
    assert problem["detail"]
    return problem


async def place(
    services: Services,
    key: str,
    *,
    customer_id: str = "c-1",
    note: str | None = None,
    saw: str | None = None,
) -> Json:
    """A new order of two pieces of p-1, answered with 201."""
    response = await services.orders.post(
        "/orders",
        headers={"Idempotency-Key": key, **having_seen(saw)},
        json={
            "customerId": customer_id,
            "items": [{"productId": "p-1", "quantity": 2}],
            "note": note,
        },
    )
    assert response.status_code == 201, response.text
    order: Json = response.json()
    return order


def having_seen(versions: str | None) -> dict[str, str]:
    """The header of a writer who has seen these versions."""
    return {} if versions is None else {"X-Causal-Deps": versions}


async def some_order(services: Services, status: str) -> Json:
    """The newest order in this state."""
    response = await services.orders.get("/orders", params={"status": status, "limit": "1"})
    order: Json = response.json()["items"][0]
    return order
