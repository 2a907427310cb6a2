"""A thousand orders, each placed under a key by a client that repeats until it is answered.

One connection in four is cut after the order was placed. How many orders there are more than
clients wanted; the control are clients that repeat without a key.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Final

import httpx

from benchmarks.fault_house import FaultHouse, running_house
from benchmarks.figures import Control, Exactly, Figure
from benchmarks.processes import Json, MeasurementFailed
from benchmarks.runs import Run

ORDER_COUNT: Final = 1_000
AT_ONCE: Final = 8
ATTEMPT_LIMIT: Final = 40
PAUSE_S: Final = 0.25
LOST: Final = {"path": "/orders", "methods": ["POST"], "rate": 0.25, "dropAnswer": True}
PLACE: Final = """mutation ($note: String!, $key: String) { placeOrder(input: {customerId: "c-1",
  items: [{productId: "p-1", quantity: 1}], note: $note, idempotencyKey: $key}) {
  order { id } userErrors { code } } }"""

KEYED, BARE = "keyed", "bare"


def measure(run: Run) -> Iterator[Figure]:
    """The same key each time; then none."""
    count = round(ORDER_COUNT * min(1.0, run.lengths.load_s / 20.0))
    with running_house(run, "keyed-mutations") as house:
        house.strike("orders", rule=LOST)
        attempts = asyncio.run(place_all(house, KEYED, count))
        asyncio.run(place_all(house, BARE, count // 10))
        house.mend()
        notes = placed_notes(house)
    placed_count = len([note for note in notes if note.startswith(KEYED)])
    if placed_count != count:
        raise MeasurementFailed(f"{placed_count} of {count} orders are there")
    yield Figure(
        name=f"orders placed twice, of {count:,} under a key each",
        value=more_than_once(notes, KEYED),
        unit="orders",
        aim=Exactly(0),
        control=Control(f"of {count // 10}, no key", more_than_once(notes, BARE)),
        note=f"a quarter of the answers lost; {attempts:,} requests; {placed_count:,} placed",
    )


async def place_all(house: FaultHouse, kind: str, count: int) -> int:
    """Place so many, some at once, each until it is answered; how many requests that took."""
    names = iter([f"{kind}-{number}" for number in range(count)])
    requests = 0

    async def place_next(http: httpx.AsyncClient) -> None:
        nonlocal requests
        for name in names:
            for _ in range(ATTEMPT_LIMIT):
                requests += 1
                variables = {"note": name, "key": name if kind == KEYED else None}
                asked = {"query": PLACE, "variables": variables}
                answer = await http.post(f"{house.gateway.address}/graphql", json=asked)
                if is_placed(answer.json()):
                    break
                await asyncio.sleep(PAUSE_S)  # as clients do
            else:
                raise MeasurementFailed(f"{name} was never answered")

    async with (
        httpx.AsyncClient(timeout=30.0, trust_env=False) as http,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(AT_ONCE):
            group.create_task(place_next(http))
    return requests


def is_placed(body: Json) -> bool:
    """Was it confirmed? Raises `MeasurementFailed` where it was refused for good."""
    if "errors" in body:
        return False
    if refused := body["data"]["placeOrder"]["userErrors"]:
        raise MeasurementFailed(f"refused: {refused}")
    return True


def placed_notes(house: FaultHouse) -> Counter[str]:
    """The notes of all orders of the customer, as the service has them."""
    notes: Counter[str] = Counter()
    params: dict[str, str] = {"customerId": "c-1", "limit": "100"}
    with httpx.Client(base_url=house.urls["orders"], timeout=30.0, trust_env=False) as http:
        while True:
            page = http.get("/orders", params=params).json()
            notes.update(order["note"] or "" for order in page["items"])
            if not page["nextCursor"]:
                return notes
            params["cursor"] = page["nextCursor"]


def more_than_once(notes: Counter[str], kind: str) -> int:
    """How many orders of this kind are there beyond the first of their name?"""
    return sum(count - 1 for note, count in notes.items() if note.startswith(f"{kind}-"))
