"""The AsyncAPI document describes the events that the stubs publish, and that the gateway reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from projections.events import PoisonEvent, StateChange, parse_event
from tests.docs.json_schema import names, problems
from tests.docs.pages import read
from tests.upstream_stubs.in_process import open_shop
from upstream_stubs.resources import Customer, Order, Product, Resource

DOCUMENT = json.loads(read("docs/events.asyncapi.json"))
MESSAGES = DOCUMENT["components"]["messages"]
SHAPES: dict[str, type[Resource]] = {"order": Order, "customer": Customer, "product": Product}

Event = dict[str, Any]


@pytest.fixture
async def events(tmp_path: Path) -> list[Event]:
    """What the feeds of a small shop tell, a newly placed order and a rename included."""
    async with open_shop(tmp_path) as shop:
        body = {"customerId": "c-1", "items": [{"productId": "p-1", "quantity": 2}]}
        key = {"Idempotency-Key": "one"}
        (await shop.services.orders.post("/orders", json=body, headers=key)).raise_for_status()
        await shop.services.customers.patch("/customers/c-1", json={"name": "Ada Lovelace"})
        clients = (shop.services.orders, shop.services.customers, shop.services.products)
        pages = [(await client.get("/events?limit=1000")).json() for client in clients]
    return [event for page in pages for event in page["events"]]


def payload_of(event: Event) -> Any:
    """The schema of the event's message."""
    return MESSAGES[event["source"].strip("/").removesuffix("s")]["payload"]


async def test_every_event_of_the_feeds_fits_its_message(events: list[Event]) -> None:
    """What the stubs publish is what the document says."""
    assert {event["source"] for event in events} == {"/orders", "/customers", "/products"}
    for event in events:
        assert list(problems(payload_of(event), event, DOCUMENT)) == []


async def test_no_event_tells_more_than_the_document(events: list[Event]) -> None:
    """Each attribute of an event is described."""
    for event in events:
        assert event.keys() <= names(payload_of(event), DOCUMENT)


@pytest.mark.parametrize("name", SHAPES)
def test_data_is_described_field_by_field(name: str) -> None:
    """The state in an event has the fields of the REST resource, no more and no less."""
    fields = {field.alias for field in SHAPES[name].model_fields.values()}

    assert names(DOCUMENT["components"]["schemas"][name], DOCUMENT) == fields


async def test_what_breaks_the_document_breaks_for_the_gateway_too(events: list[Event]) -> None:
    """An event that does not fit, in an attribute a reader needs, is never applied."""
    change = {**events[0], "aggregateversion": 0}

    assert list(problems(payload_of(change), change, DOCUMENT)) != []
    assert isinstance(parse_event(json.dumps(change).encode()), PoisonEvent)
    assert isinstance(parse_event(json.dumps(events[0]).encode()), StateChange)
