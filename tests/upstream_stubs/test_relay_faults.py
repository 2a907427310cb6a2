"""The relay misbehaves as it is told to, and no further."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.rest_implementations import problem_of
from tests.upstream_stubs.in_process import Shop
from tests.upstream_stubs.relays import HandMadeTopic, Shopkeeper, at_work, new_relay, open_outbox
from upstream_stubs.database import Database
from upstream_stubs.relay.faults import RelayFaults, RelayFaultSet, is_struck

IDS = [f"c-{number}" for number in range(400)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_outbox(tmp_path / "customers.sqlite3") as database:
        yield database


@pytest.mark.steered_time
async def test_held_relay_publishes_nothing_until_released(database: Database) -> None:
    """Commits go on while nothing is published; released, all of it follows at once."""
    keeper, topic, faults = Shopkeeper(database), HandMadeTopic(), RelayFaults(database)

    async with at_work(new_relay(database, topic, faults=faults)):
        keeper.change("c-1")
        await topic.wait_for_events(1)
        faults.replace(RelayFaultSet(is_held=True))
        for _ in range(10):
            keeper.change("c-1")
            await asyncio.sleep(1)
        held = topic.versions()
        faults.replace(RelayFaultSet())
        released_at_s = asyncio.get_running_loop().time()
        await topic.wait_for_events(11)

        assert asyncio.get_running_loop().time() == released_at_s

    assert held == {"c-1": [1]}
    assert topic.versions() == {"c-1": [*range(1, 12)]}


@pytest.mark.steered_time
async def test_duplicates_are_the_share_asked_for_side_by_side(database: Database) -> None:
    """About a tenth of the events comes twice, the repeat right behind the event."""
    keeper, topic, faults = Shopkeeper(database), HandMadeTopic(), RelayFaults(database)
    faults.replace(RelayFaultSet(duplicate_ratio=0.1))
    keeper.change(*IDS)

    async with at_work(new_relay(database, topic, faults=faults)):
        await topic.wait_for(lambda: topic.versions().keys() == set(IDS))
        await asyncio.sleep(1)

    counts = Counter(topic.events())
    assert set(counts.values()) == {1, 2}
    assert 15 <= len([count for count in counts.values() if count == 2]) <= 80
    for log in topic.logs.values():
        values = [record.value for record in log]
        assert list(dict.fromkeys(values)) == [
            value for place, value in enumerate(values) if values[place - 1 : place] != [value]
        ]


@pytest.mark.steered_time
async def test_poisoned_event_keeps_its_envelope(database: Database) -> None:
    """What is spoilt is the data alone: whose event it is, and of which version, can be read."""
    keeper, topic, faults = Shopkeeper(database), HandMadeTopic(), RelayFaults(database)
    faults.replace(RelayFaultSet(poison_ratio=1.0))
    keeper.change("c-1")

    async with at_work(new_relay(database, topic, faults=faults)):
        await topic.wait_for_events(1)
        faults.replace(RelayFaultSet())
        keeper.change("c-1")
        await topic.wait_for_events(2)

    spoilt, healing = map(json.loads, topic.events())
    [(event,)] = database.rows("SELECT event FROM outbox WHERE version = 1")
    assert spoilt == {**json.loads(event), "data": "unreadable on demand"}
    assert healing["data"]["version"] == 2


def test_fate_hangs_on_the_events_id_alone() -> None:
    """The same event meets the same fault each time; a larger share strikes it too."""
    struck = {
        ratio: {id_ for id_ in IDS if is_struck("poison", id_, ratio)} for ratio in (0.1, 0.3)
    }

    assert struck[0.1] == {id_ for id_ in IDS if is_struck("poison", id_, 0.1)}
    assert struck[0.1] < struck[0.3]
    assert struck[0.1] != {id_ for id_ in IDS if is_struck("duplicate", id_, 0.1)}
    assert not any(is_struck("poison", id_, 0.0) for id_ in IDS)
    assert all(is_struck("poison", id_, 1.0) for id_ in IDS)


async def test_faults_of_the_relay_are_shown_as_set_until_deleted(shop: Shop) -> None:
    """GET shows what PUT set, all members; what PUT leaves out is off; DELETE ends all."""
    orders = shop.services.orders
    none = {"isHeld": False, "duplicateRatio": 0.0, "poisonRatio": 0.0}

    answers = [
        await orders.put("/admin/relay", json={"isHeld": True, "poisonRatio": 0.001}),
        await orders.get("/admin/relay"),
        await orders.put("/admin/relay", json={"duplicateRatio": 1}),
        await orders.delete("/admin/relay"),
        await orders.get("/admin/relay"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 204, 200]
    assert answers[0].json() == answers[1].json() == {**none, "isHeld": True, "poisonRatio": 0.001}
    assert answers[2].json() == {**none, "duplicateRatio": 1.0}
    assert answers[4].json() == none


@pytest.mark.parametrize(
    ("faults", "field"),
    [
        ({"isHeld": "yes"}, "isHeld"),
        ({"duplicateRatio": 1.5}, "duplicateRatio"),
        ({"poisonRatio": -0.1}, "poisonRatio"),
        ({"isHold": True}, "isHold"),
        ([], "body"),
    ],
)
async def test_bad_fault_of_the_relay_is_refused_by_name(
    shop: Shop, faults: object, field: str
) -> None:
    """What cannot be is answered 422 with its field, and what was in force stays so."""
    orders = shop.services.orders
    await orders.put("/admin/relay", json={"isHeld": True})

    response = await orders.put("/admin/relay", json=faults)

    assert (response.status_code, problem_of(response)["field"]) == (422, field)
    assert (await orders.get("/admin/relay")).json()["isHeld"]
