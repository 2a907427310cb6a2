"""A projector on a port of its own: alive, ready, and in numbers."""

import asyncio
import socket

import httpx
import pytest

from gateway.freshness import FreshnessGauge
from gateway.projector import Projector
from gateway.projector_page import page_served, projector_page
from gateway.serving import PortTaken
from gateway.settings import Settings
from projections.memory_store import MemoryStore
from projections.versions import AggregateType
from tests.fickle_store import FickleStore
from tests.gateway.metered import scrape
from tests.projection_by_hand import ProjectionByHand, wall_clock_s
from tests.resolvers.upstream.builders import a_customer, a_product, an_order


def gauge_of(store: MemoryStore) -> FreshnessGauge:
    return FreshnessGauge(
        store=store,
        budgets_s={of.source: 2.5 for of in AggregateType},
        wall_clock=wall_clock_s,
        watcher=None,
        observe=lambda _, __: None,
        hear=lambda _: None,
    )


def client_of(store: MemoryStore) -> httpx.AsyncClient:
    network = httpx.ASGITransport(app=projector_page(gauge_of(store), store))
    return httpx.AsyncClient(transport=network, base_url="http://projector.test")


async def test_a_projector_is_alive_and_not_ready_before_it_has_read() -> None:
    """Whoever replaces it by another one waits until it has."""
    store = FickleStore(wall_clock=wall_clock_s)
    async with client_of(store) as client:
        alive, ready = await client.get("/livez"), await client.get("/readyz")

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json()["status"] == "catching up"


async def test_a_projector_that_has_read_to_the_end_is_ready() -> None:
    """And shows in numbers how old its sources are."""
    store = FickleStore(wall_clock=wall_clock_s)
    await ProjectionByHand(store).apply(an_order(), a_customer(), a_product())
    async with client_of(store) as client:
        ready, shown = await client.get("/readyz"), await scrape(client)

    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert shown["bff_projection_caught_up", {}] == 3
    assert shown["bff_process_start_time_seconds", {}] > 0


async def test_a_projector_without_its_store_is_not_ready() -> None:
    """It is alive: the store is not mended by a restart."""
    store = FickleStore(wall_clock=wall_clock_s)
    store.is_gone = True
    async with client_of(store) as client:
        alive, ready = await client.get("/livez"), await client.get("/readyz")

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json()["status"] == "projection unavailable"


async def test_it_listens_while_it_projects_and_no_longer() -> None:
    """On a socket of its own, whose port is free again afterwards."""
    store = FickleStore(wall_clock=wall_clock_s)
    listening = socket.create_server(("127.0.0.1", 0))
    host, port = listening.getsockname()
    page = projector_page(gauge_of(store), store)
    async with page_served(page, listening), httpx.AsyncClient() as client, asyncio.timeout(10):
        response = await client.get(f"http://{host}:{port}/livez")

    assert response.status_code == 200
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, port))


async def test_a_port_that_is_taken_is_said() -> None:
    """As for a gateway: before anything is projected."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        given = {"store": "redis", "projector_port": other.getsockname()[1]}
        projector = Projector(Settings.model_validate(given))
        with pytest.raises(PortTaken):
            async with projector.telling():
                pass
