import asyncio
import os

import httpx
import pytest
from fastapi import FastAPI

from gateway.admission.door import Crowd
from gateway.freshness import FreshnessGauge
from gateway.garbage import Collected
from gateway.health import Health, health_routes
from projections.positions import Partition, SourcePosition
from projections.store import EventBatch
from projections.versions import AggregateType
from tests.builders.applying import apply_next
from tests.fickle_store import FickleStore
from tests.gateway.front_door import Door, open_door
from tests.projection_by_hand import ProjectionByHand, wall_clock_s
from tests.resolvers.upstream.builders import a_customer, a_product, an_order

pytestmark = pytest.mark.steered_time


def spent_sources(response: httpx.Response) -> set[str]:
    """The sources whose budget is told to be spent."""
    return {name for name, of in response.json()["sources"].items() if of["isSpent"]}


async def read_to_the_end(door: Door, source: str, *, remaining_count: int = 0) -> None:
    position = SourcePosition(
        "c", wall_clock_s(), is_caught_up=remaining_count == 0, remaining_count=remaining_count
    )
    await apply_next(door.gateway.store, EventBatch(Partition(source), None, (), position))


async def test_a_process_is_alive_whatever_its_projection_does() -> None:
    """/livez answers as soon as the process can: nobody restarts it for catching up."""
    async with open_door(events="feed") as door:
        response = await door.client.get("/livez")

    assert response.status_code == 200
    assert response.json() == {"status": "alive"}


async def test_a_gateway_is_not_ready_before_its_sources_have_been_read() -> None:
    """/readyz is a 503 while the projection is being built, and tells which source is missing."""
    async with open_door(events="feed") as door:
        await read_to_the_end(door, "customers")
        await read_to_the_end(door, "products", remaining_count=12)
        response = await door.client.get("/readyz")

    body = response.json()
    assert response.status_code == 503
    assert body["status"] == "catching up"
    assert body["sources"]["orders"] == {
        "caughtUp": False,
        "remaining": None,
        "ageMs": None,
        "budgetMs": 2500,
        "isSpent": False,
    }
    assert body["sources"]["customers"]["caughtUp"] is True
    assert body["sources"]["products"]["remaining"] == 12


async def test_a_gateway_is_ready_when_every_source_has_been_read_to_its_end() -> None:
    """/readyz turns 200 with the last source, and every source is listed."""
    async with open_door(events="feed") as door:
        await ProjectionByHand(door.gateway.store).prove()
        response = await door.client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    assert set(response.json()["sources"]) == {of.source for of in AggregateType}


async def test_the_age_of_a_proof_grows_with_the_clock() -> None:
    """A source that has fallen silent shows as an age in milliseconds."""
    async with open_door(events="feed") as door:
        await ProjectionByHand(door.gateway.store).prove()
        await asyncio.sleep(2.5)
        response = await door.client.get("/readyz")

    assert {of["ageMs"] for of in response.json()["sources"].values()} == {2500}


async def test_a_spent_budget_is_told_and_takes_no_gateway_out_of_rotation() -> None:
    """A source that grew too old makes the status `stale` with 200: its reads go live, rightly."""
    async with open_door(events="feed", orders_staleness_budget_ms=1000) as door:
        await ProjectionByHand(door.gateway.store).prove()
        await asyncio.sleep(1.0)
        kept = await door.client.get("/readyz")
        await asyncio.sleep(0.001)
        spent = await door.client.get("/readyz")

    assert (kept.status_code, kept.json()["status"]) == (200, "ready")
    assert (spent.status_code, spent.json()["status"]) == (200, "stale")
    assert spent_sources(spent) == {"orders"}
    assert spent.json()["sources"]["orders"]["budgetMs"] == 1000
    assert spent.json()["sources"]["products"]["budgetMs"] == 2500


async def test_a_source_that_is_proven_again_is_ready_again() -> None:
    """The next proof heals what was stale, and nothing is left of it."""
    async with open_door(events="feed") as door:
        projection = ProjectionByHand(door.gateway.store)
        await projection.prove()
        await asyncio.sleep(60)
        stale = await door.client.get("/readyz")
        await projection.prove()
        current = await door.client.get("/readyz")

    assert (stale.json()["status"], current.json()["status"]) == ("stale", "ready")
    assert spent_sources(current) == set()


async def test_news_that_are_a_call_in_the_process_have_no_watcher() -> None:
    """Where the projection is the gateway's own, nothing is told of a subscription."""
    async with open_door(events="feed") as door:
        response = await door.client.get("/readyz")

    assert "watcher" not in response.json()


async def test_a_gateway_without_a_projection_is_always_ready() -> None:
    """Where events are switched off there is nothing to wait for."""
    async with open_door() as door:
        response = await door.client.get("/readyz")

    assert response.status_code == 200
    assert (response.json()["status"], response.json()["sources"]) == ("ready", {})


async def test_every_circuit_shows() -> None:
    """Whoever looks sees the store's, and one for each kind of call made at each service."""
    async with open_door(events="feed") as door:
        before = await door.client.get("/readyz")
        await door.ask('{ order(id: "o-1", consistency: {live: true}) { customer { name } } }')
        after = await door.client.get("/readyz")

    assert before.json()["circuits"] == {"store": "closed"}
    called = ("orders.read", "customers.readMany", "store")
    assert after.json()["circuits"] == dict.fromkeys(called, "closed")


async def test_guesses_are_metered() -> None:
    """How many reads were asked ahead, and what that came to; nothing where nobody guesses."""
    page = '{ order(id: "o-1", consistency: {live: true}) { customer { name } } }'
    async with open_door(live_fresh_ms=0) as door:
        await door.ask(page)
        await door.ask(page)
        guessing = await door.client.get("/readyz")
    async with open_door(guess_ahead=False) as door:
        waiting = await door.client.get("/readyz")

    assert guessing.json()["guesses"] == {"guessed": 1, "right": 1, "wrong": 0, "refused": 0}
    assert "guesses" not in waiting.json()


async def test_a_gateway_that_stops_is_not_ready() -> None:
    """Who is asked to stop wants no new clients, though it still serves the ones it has."""
    async with open_door() as door:
        door.app.state.is_draining = True
        response = await door.client.get("/readyz")
        answer = await door.ask("{ __typename }")

    assert (response.status_code, response.json()["status"]) == (503, "stopping")
    assert answer.json()["data"] == {"__typename": "Query"}


async def test_reads_are_answered_before_the_gateway_is_ready() -> None:
    """Not being ready is no outage: a read that comes early is composed live."""
    async with open_door(events="feed") as door:
        response = await door.ask('{ order(id: "o-1") { id } }')

    assert response.json()["data"] == {"order": {"id": "o-1"}}
    assert door.calls == ["GET /orders/o-1"]


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/redoc", "/graphql/x"])
async def test_no_other_page_is_served(path: str) -> None:
    """What the gateway does not have is a plain 404; no framework page tells what it is made of."""
    async with open_door(playground=True) as door:
        response = await door.client.get(path)

    assert response.status_code == 404


async def test_the_process_that_answers_is_told() -> None:
    """Where several share a port, /readyz speaks for one: which, and how its collections went."""
    async with open_door() as door:
        before = (await door.client.get("/readyz")).json()["process"]
        door.gateway.garbage.collected = Collected().after(7, 0.0125).after(1, 0.003)
        after = (await door.client.get("/readyz")).json()["process"]

    none = {"id": os.getpid(), "collections": 0, "lastPauseMs": 0.0, "longestPauseMs": 0.0}
    assert before == none
    assert after == none | {"collections": 2, "lastPauseMs": 3.0, "longestPauseMs": 12.5}


@pytest.mark.parametrize(
    ("is_gone", "is_read", "is_shedding", "is_draining", "expected"),
    [
        (False, True, False, False, (200, "ready")),
        (False, True, True, False, (200, "ready")),
        (False, False, False, False, (503, "catching up")),
        (True, True, False, False, (503, "projection unavailable")),
        (False, True, False, True, (503, "stopping")),
        (True, False, True, True, (503, "stopping")),
    ],
    ids=["well", "sheds", "behind", "store gone", "drains", "everything"],
)
async def test_who_is_sent_traffic(
    *,
    is_gone: bool,
    is_read: bool,
    is_shedding: bool,
    is_draining: bool,
    expected: tuple[int, str],
) -> None:
    """Who projects for itself, has read to the end, and is not asked to stop; shed or not."""
    store = FickleStore(wall_clock=wall_clock_s)
    if is_read:
        await ProjectionByHand(store).apply(an_order(), a_customer(), a_product())
    store.is_gone = is_gone
    health = Health(
        gauge=FreshnessGauge(
            store=store,
            budgets_s={of.source: 2.5 for of in AggregateType},
            wall_clock=wall_clock_s,
            watcher=None,
            observe=lambda _, __: None,
            hear=lambda _: None,
        ),
        is_shared=False,
        circuits=dict,
        crowd=lambda: Crowd(1, 2, is_shedding=is_shedding),
        guesses=None,
        collected=Collected,
    )
    app = FastAPI()
    app.state.is_draining = is_draining
    app.include_router(health_routes(app, health))
    network = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=network, base_url="http://gateway.test") as client:
        response = await client.get("/readyz")

    told = response.json()
    assert (response.status_code, told["status"]) == expected
    assert told["admission"]["isShedding"] is is_shedding
