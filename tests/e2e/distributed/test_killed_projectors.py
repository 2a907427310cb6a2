"""Projectors are killed where it hurts most: their batch is sent, and its answer has not come."""

from collections.abc import Iterator

import pytest

from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.e2e.distributed.roles import Role
from tests.e2e.processes import eventually
from tests.servers.kafka import unique
from tests.servers.valkey import Valkey

pytestmark = pytest.mark.e2e

KILL_COUNT = 20
STEPS = 30
EXIT_LIMIT_S = 10.0
STANDING_BY_COUNT = 2
LONGER_THAN_A_LOOK_MS = 10_000


@pytest.fixture
def hunted(house: DistributedHouse) -> Iterator[DistributedHouse]:
    """The house without the projectors that it had; those of the test end with it."""
    for projector in [*house.projectors]:
        house.kill(projector)
    yield house
    for projector in [*house.projectors]:
        house.kill(projector)


def start_named_projector(house: DistributedHouse) -> tuple[Role, str]:
    """A projector in a group of its own, and the name by which Redis knows it until it restarts."""
    name = unique("projector")
    house.valkey.command("ACL", "SETUSER", name, "on", "nopass", "~*", "&*", "+@all")
    url = house.valkey.url.replace("//", f"//{name}:any@")
    return house.start_projector({"BFF_REDIS_URL": url, "BFF_KAFKA_GROUP": name}), name


def batches_under_way(valkey: Valkey, name: str) -> int:
    """How many scripts of this projector wait in the server."""
    with valkey.client() as client:
        clients = client.client_list()
    return sum(found["user"] == name and "b" in found["flags"] for found in clients)


def kill_in_mid_batch(
    house: DistributedHouse, projector: Role, name: str, *, is_batch_run: bool
) -> None:
    """Kill the projector while Redis holds its batch back; ``is_batch_run``: Redis runs it yet."""

    def held_back() -> int:
        # Again at each look: on a busy machine the projector may take longer than one pause lasts.
        house.valkey.command("CLIENT", "PAUSE", LONGER_THAN_A_LOOK_MS, "WRITE")
        return batches_under_way(house.valkey, name)

    eventually(held_back, about=f"a batch of {name}")
    if is_batch_run:
        house.valkey.command("CLIENT", "UNPAUSE")
        house.kill(projector)
    else:
        house.kill(projector)
        house.valkey.command("CLIENT", "UNPAUSE")


@pytest.mark.timeout(180)  # it starts twenty-two processes, on a machine that may be busy
def test_projector_killed_in_mid_batch_loses_nothing(hunted: DistributedHouse) -> None:
    """Whichever half of a batch was done, the next projector goes on right there, twenty times."""
    projectors = [start_named_projector(hunted) for _ in range(STANDING_BY_COUNT)]

    with hunted.crowd(session_count=1) as crowd:
        for number in range(KILL_COUNT):
            projectors.append(start_named_projector(hunted))
            kill_in_mid_batch(hunted, *projectors.pop(0), is_batch_run=number % 2 == 0)
    audit = audited(hunted)

    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.unsatisfied_count == 0
    assert audit.parked == set()
    assert audit.row_count > 60


def test_projector_that_is_asked_to_end_hands_over(hunted: DistributedHouse) -> None:
    """It leaves its group in order and in time, so that the next one goes on at once."""
    projector = started_and_assigned(hunted)

    with hunted.crowd(session_count=1) as crowd:
        crowd.take_steps(STEPS)
        ended = projector.end()
        hunted.leave(projector)
        started_and_assigned(hunted)
        crowd.take_steps(STEPS)
    audited(hunted)

    assert ended.exit_code == 0
    assert ended.took_s < EXIT_LIMIT_S
    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}


def started_and_assigned(house: DistributedHouse) -> Role:
    """One more projector of the house's group, which has its partitions."""
    projector = house.start_projector()
    eventually(lambda: projector.events("partitions_assigned"), about="a projector at work")
    return projector
