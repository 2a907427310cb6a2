"""The usual stack is an honest control: asked the same, it answers the same data."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import pytest

from benchmarks.speed.asks import DETAILS, LIVE_DETAILS, LIVE_PAGE, PAGE
from benchmarks.speed.grounds import Grounds, Serving, open_grounds
from benchmarks.speed.world import World
from tests.e2e.shopper import quiet_client

Json = dict[str, Any]

SMALL = World(order_count=20, customer_count=7, product_count=110, list_count=2)
EVERYTHING = """query Everything($id: ID!) {
  order(id: $id) {
    id status note currency total placedAt version
    customer { id name email version }
    items { quantity unitPrice lineTotal product { id name price currency stock version } }
  }
}"""


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with open_grounds(tmp_path_factory.mktemp("grounds") / "small", SMALL) as opened:
        yield opened


@pytest.fixture(scope="module")
def servers(grounds: Grounds) -> Iterator[dict[str, Serving]]:
    """The gateway, and both variants of the usual stack."""
    naive = "benchmarks.naive"
    world = f"--world={json.dumps(asdict(SMALL))}"
    with ExitStack() as stack:
        yield {
            "ours": stack.enter_context(grounds.gateway()),
            "live": stack.enter_context(
                grounds.python("naive live", naive, "live", grounds.services.as_word())
            ),
            "projected": stack.enter_context(
                grounds.python("naive projection", naive, "projected", world)
            ),
        }


def data_of(serving: Serving, query: str, id_: str) -> Json:
    """What comes, without errors."""
    with quiet_client(serving.url) as http:
        answer: Json = http.post("/graphql", json={"query": query, "variables": {"id": id_}}).json()
    assert "errors" not in answer
    data: Json = answer["data"]
    return data


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("id_", ["o-1", "o-20", "o-404"])
@pytest.mark.parametrize(("query", "live_query"), [(DETAILS, LIVE_DETAILS), (EVERYTHING,) * 2])
def test_an_order_is_the_same_from_all(
    servers: dict[str, Serving], query: str, live_query: str, id_: str
) -> None:
    """The gateway's two read paths and both variants answer equal data, absence included."""
    ours = data_of(servers["ours"], query, id_)

    assert data_of(servers["ours"], live_query, id_) == ours
    assert data_of(servers["live"], query, id_) == ours
    assert data_of(servers["projected"], query, id_) == ours
    assert (ours["order"] is None) == (id_ == "o-404")


@pytest.mark.e2e
@pytest.mark.slow
def test_a_page_of_a_hundred_is_the_same_from_all(servers: dict[str, Serving]) -> None:
    """With the same orders in the same order, and their customers and products."""
    ours = data_of(servers["ours"], PAGE, "l-2")

    assert data_of(servers["ours"], LIVE_PAGE, "l-2") == ours
    assert data_of(servers["live"], PAGE, "l-2") == ours
    assert data_of(servers["projected"], PAGE, "l-2") == ours
    assert len(ours["orders"]["edges"]) == 100
