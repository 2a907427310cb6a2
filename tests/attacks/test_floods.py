"""Thousands of what no two of are alike, and crowds that wait: served beside, and forgotten."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from benchmarks.process_usage import resident_kb
from tests.attacks.floods import FLOODS, crowd, flood
from tests.attacks.victim import PLAIN, Bystander, public_house, send
from tests.e2e.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FLOOD_COUNT = 1_500
CROWD_COUNT = 300
MEMORY_LIMIT_KB = 60_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that the internet may come to."""
    with public_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="module")
def address(house: House) -> tuple[str, int]:
    """Where it listens."""
    at = urlsplit(house.started.address)
    return str(at.hostname), int(at.port or 0)


@pytest.mark.parametrize("kind", FLOODS)
def test_what_is_remembered_is_bounded(kind: str, house: House, address: tuple[str, int]) -> None:
    """Each is answered, and so many that differ take no more memory than a few."""
    flood(address, FLOODS[kind], FLOOD_COUNT // 3)
    before_kb = resident_kb(house.started.process.pid)

    answered_count = flood(address, FLOODS[kind], FLOOD_COUNT)

    assert answered_count == FLOOD_COUNT
    assert resident_kb(house.started.process.pid) - before_kb < MEMORY_LIMIT_KB


def test_a_crowd_that_waits_holds_up_nobody(address: tuple[str, int]) -> None:
    """Halves of requests, silent sockets and readers of nothing: others are served meanwhile."""
    with crowd(address, CROWD_COUNT), Bystander(address).asking() as bystander:
        served = [send(address, PLAIN).codes for _ in range(100)]

    assert served == [{"OK"}] * 100
    assert bystander.failures == []
