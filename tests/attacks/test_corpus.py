"""Whatever is sent: one coded answer or a closed door, little memory, few words, nobody held up."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import pytest

from benchmarks.process_usage import resident_kb
from tests.attacks.corpus.attack import Attack
from tests.attacks.corpus.whole import CORPUS
from tests.attacks.victim import Bystander, public_house, send, what_is_wrong
from tests.e2e.house import House

pytestmark = [pytest.mark.e2e]

LOG_LIMIT_BYTES: Final = 2_000
MEMORY_LIMIT_KB: Final = 150_000
HELD_UP_S: Final = 1.0
"""How long an innocent client may wait beside an attack. `make bench-edge` knows it better: here
it only tells a stall from a busy machine."""


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


def test_there_are_five_hundred_and_each_has_a_name() -> None:
    """The corpus has at least five hundred attacks, no two of one name."""
    assert len({attack.name for attack in CORPUS}) == len(CORPUS) >= 500


@pytest.mark.parametrize("attack", CORPUS, ids=str)
def test_attack_is_refused_with_a_code(attack: Attack, address: tuple[str, int]) -> None:
    """The answer is coded, no failure of ours, and tells nothing of the inside."""
    heard = send(address, attack)

    assert what_is_wrong(heard, attack) is None, heard.text[:400]


def test_nobody_is_held_up_and_nothing_kept(address: tuple[str, int], house: House) -> None:
    """Beside all of them another client is served, memory grows by little, and lines are short."""
    before_kb = resident_kb(house.started.process.pid)

    with Bystander(address).asking() as bystander:
        for attack in CORPUS:
            send(address, attack)

    assert bystander.failures == []
    assert max(bystander.waits_s) < HELD_UP_S
    assert resident_kb(house.started.process.pid) - before_kb < MEMORY_LIMIT_KB
    assert max(map(len, house.started.said.splitlines())) <= LOG_LIMIT_BYTES
    assert "Traceback" not in house.started.said
