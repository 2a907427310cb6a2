"""What the projection ought to hold: the logs and the services, read without the project's code.

The fold is the whole theory of the read model: of every aggregate the event of the greatest
(epoch, version) wins, whatever was repeated, reordered between partitions, or lost on the way.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from tests.e2e.shopper import Json
from tests.servers.kafka_records import Record

SERVICES: Final = ("orders", "customers", "products")
HEARTBEAT: Final = "outbox.heartbeat"
PAGE_LIMIT: Final = 100

Key = tuple[str, str]
"""Service and id of an aggregate."""

Version = tuple[int, int]
"""Epoch and number."""


@dataclass(frozen=True, slots=True)
class Told:
    """The newest that a log tells of an aggregate; the state is None if it cannot be read."""

    at: Version
    state: Json | None


def fold(service: str, records: Iterable[Record]) -> dict[Key, Told]:
    """Every aggregate of a log as its newest event tells it."""
    newest: dict[Key, Told] = {}
    for event in changes(records):
        key = (service, event["subject"])
        at = (event["sourceepoch"], event["aggregateversion"])
        if key not in newest or at > newest[key].at:
            newest[key] = Told(at, event["data"] if isinstance(event["data"], dict) else None)
    return newest


def changes(records: Iterable[Record]) -> Iterator[Json]:
    """The events of the records that are changes of an aggregate."""
    for record in records:
        event = json.loads(record.value or b"null")
        if event["type"] != HEARTBEAT:
            yield event


def owned(http: httpx.Client, urls: Mapping[str, str], folded: Mapping[Key, Told]) -> set[Key]:
    """The aggregates of the fold that are not as their owner says; also those the fold lacks."""
    states = dict(owned_states(http, urls))
    return {
        key
        for key in states.keys() | folded.keys()
        if key not in folded
        or key not in states
        or version_of(states[key]) != folded[key].at
        or folded[key].state not in (states[key], None)
    }


def owned_states(http: httpx.Client, urls: Mapping[str, str]) -> Iterator[tuple[Key, Json]]:
    """Every aggregate as its owner answers for it now."""
    for service in ("customers", "products"):
        ids = [f"{service[0]}-{number}" for number in range(1, PAGE_LIMIT + 1)]
        answer = http.get(f"{urls[service]}/{service}", params={"ids": ",".join(ids)})
        for state in answer.raise_for_status().json()["items"]:
            yield (service, state["id"]), state
            if service == "customers":
                for order in listed_orders(http, urls["orders"], state["id"]):
                    yield ("orders", order["id"]), order


def listed_orders(http: httpx.Client, url: str, customer_id: str) -> Iterator[Json]:
    """All orders of a customer, newest first, as the order service lists them."""
    asked: dict[str, str | int] = {"customerId": customer_id, "limit": PAGE_LIMIT}
    while True:
        page = http.get(f"{url}/orders", params=asked).raise_for_status().json()
        yield from page["items"]
        if page["nextCursor"] is None:
            return
        asked["cursor"] = page["nextCursor"]


def version_of(state: Json) -> Version:
    return state["epoch"], state["version"]
