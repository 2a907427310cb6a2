"""One service is killed: pages miss only what it owns, everything else works, and it comes back."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.e2e.house import House
from tests.e2e.processes import PATIENCE_S, eventually
from tests.e2e.shopper import EVENTUAL, LIVE, Answer, Shopper
from tests.e2e.starting import REPOSITORY, running_house

pytestmark = pytest.mark.e2e

DOWN = {"UPSTREAM_UNAVAILABLE", "CIRCUIT_OPEN"}
MORE_THAN_A_CIRCUIT_BEARS = 40


@pytest.fixture(scope="module")
def maimed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own whose product service has been killed."""
    with running_house(tmp_path_factory.mktemp("maimed")) as house:
        house.kill("products")
        yield house


@pytest.fixture
def visitor(maimed: House) -> Iterator[Shopper]:
    """A client of that house."""
    with maimed.shopper() as shopper:
        yield shopper


def test_page_composed_live_misses_only_the_products(visitor: Shopper) -> None:
    """Order and customer are there; each product is null with a code that names the service."""
    page = visitor.order("o-5", LIVE)

    order = page.data["order"]
    assert order["customer"]["name"]
    assert [item["product"] for item in order["items"]] == [None] * len(order["items"])
    assert set(page.codes) == {f"order.items.{n}.product" for n in range(len(order["items"]))}
    assert set(page.codes.values()) <= DOWN
    assert {error["extensions"]["service"] for error in page.errors} == {"products"}


def test_projected_page_is_whole(visitor: Shopper) -> None:
    """The projection answers for a service that is gone, and tells where its answer is from."""
    page = visitor.order("o-5")

    assert page.errors == []
    assert all(item["product"]["name"] for item in page.data["order"]["items"])
    assert page.shown("order.items.product") == ("PROJECTION", "DEFAULT")


def test_other_services_take_writes_and_show_them(visitor: Shopper) -> None:
    """An order of the dead service's product can be placed, and read in full by its token."""
    renamed = visitor.write("updateCustomer", {"id": "c-1", "name": "Ada Lovelace"})
    placed = visitor.place("c-1", token=renamed.token)
    page = visitor.order(placed.id, token=placed.answer.token)

    assert page.errors == []
    assert page.data["order"]["customer"]["name"] == "Ada Lovelace"
    assert page.data["order"]["items"][0]["product"]["id"] == "p-1"


def test_write_to_the_dead_service_is_an_error_and_known_to_be_undone(visitor: Shopper) -> None:
    """A refused connection has carried nothing, so the outcome is not said to be unknown."""
    answer = visitor.mutate("updateProduct", {"id": "p-1", "stock": 1})

    [error] = answer.errors
    assert error["extensions"]["code"] in DOWN
    assert "outcome" not in error["extensions"]


def test_circuit_opens_and_closes_again_when_the_service_is_back(
    maimed: House, visitor: Shopper
) -> None:
    """After enough failures nobody waits for the service; once it is back, it is asked again."""
    refused = eventually(lambda: _refused_unasked(visitor), about="an open circuit")

    with products_are_back(maimed):
        back = eventually(lambda: _whole(read_product(visitor)), about="a closed circuit")
        written = visitor.write("updateProduct", {"id": "p-7", "stock": 77})
        projected = eventually(
            lambda: (
                visitor.ask(
                    'query($how: Consistency) { product(id: "p-7", consistency: $how) { stock } }',
                    {"how": EVENTUAL},
                ).data["product"]["stock"]
                == 77
            ),
            about="the projection goes on where it had stopped",
        )

    [error] = refused.errors
    assert error["extensions"]["retryAfterMs"] <= 5000
    assert back.data["product"]["id"] == "p-7"
    assert written.version == 2
    assert projected


def read_product(visitor: Shopper) -> Answer:
    """A live read of one product."""
    return visitor.ask('{ product(id: "p-7", consistency: { live: true }) { id } }')


def _refused_unasked(visitor: Shopper) -> Answer | None:
    answer = read_product(visitor)
    return answer if answer.codes == {"product": "CIRCUIT_OPEN"} else None


def _whole(answer: Answer) -> Answer | None:
    return None if answer.errors else answer


@contextmanager
def products_are_back(house: House) -> Iterator[None]:
    """The product service runs again over the same data on the same port, inside the block."""
    port = urlsplit(house.urls["products"]).port
    process = subprocess.Popen(
        (
            *(sys.executable, "-m", "upstream_stubs", "products"),
            *("--port", str(port), "--data", str(house.started.data_dir)),
        ),
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait(PATIENCE_S)
