"""A feed stops telling, a service dies: within three seconds the gateway says so, and goes on."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.house import HELD, House
from tests.e2e.processes import eventually
from tests.e2e.shopper import Json, quiet_client
from tests.e2e.starting import running_house

pytestmark = pytest.mark.e2e

SHOWS_WITHIN_S = 3.0


@pytest.fixture(scope="module")
def doomed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own, in which services are held and killed."""
    with running_house(tmp_path_factory.mktemp("doomed")) as house:
        yield house


@pytest.fixture
def gateway(doomed: House) -> Iterator[httpx.Client]:
    """A client of its gateway, which finds every source current."""
    with quiet_client(doomed.started.address) as gateway:
        eventually(lambda: readiness(gateway)["status"] == "ready", about="a house that is well")
        yield gateway


def readiness(gateway: httpx.Client) -> Json:
    """What the gateway tells of its state, with the status code of that answer."""
    response = gateway.get("/readyz")
    told: Json = response.json()
    return {**told, "code": response.status_code}


def spent_sources(told: Json) -> set[str]:
    """The sources whose staleness budget is spent."""
    return {name for name, of in told["sources"].items() if of["isSpent"]}


def shown_stale(gateway: httpx.Client) -> tuple[Json, float]:
    """What the gateway tells once any source is stale, and how long that took (s)."""
    started_at_s = time.monotonic()

    def stale() -> Json | None:
        told = readiness(gateway)
        return told if spent_sources(told) else None

    told = eventually(stale, about="a budget that is spent")
    took_s = time.monotonic() - started_at_s
    print(f"shown after {took_s:.2f} s")
    return told, took_s


def test_feed_that_stands_still_shows_within_three_seconds_and_heals(
    doomed: House, gateway: httpx.Client
) -> None:
    """A feed that answers and tells nothing proves nothing: its age shows, and no other's does."""
    with doomed.with_faults("orders", HELD):
        told, took_s = shown_stale(gateway)
        eventually(lambda: "projection_stale" in doomed.started.said, about="its line in the log")
        later = readiness(
            gateway
        )  # ages are told in whole milliseconds: the first may be the budget
    eventually(lambda: readiness(gateway)["status"] == "ready", about="the end of the standstill")
    eventually(lambda: "projection_current" in doomed.started.said, about="its line in the log")

    assert took_s < SHOWS_WITHIN_S
    assert spent_sources(told) == {"orders"}
    assert (told["status"], told["code"]) == ("stale", 200)
    assert later["sources"]["orders"]["ageMs"] > later["sources"]["orders"]["budgetMs"]
    assert doomed.started.said.count("projection_stale") == 1


def test_service_that_dies_shows_within_three_seconds(doomed: House, gateway: httpx.Client) -> None:
    """Nobody answers for it any more, so its projection grows old at once, and alone."""
    doomed.kill("products")

    told, took_s = shown_stale(gateway)

    assert took_s < SHOWS_WITHIN_S
    assert spent_sources(told) == {"products"}
    assert (told["status"], told["code"]) == ("stale", 200)
