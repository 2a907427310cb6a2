"""The read model is made again from its logs while sessions read and write."""

import pytest

from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.e2e.distributed.stored_rows import generations
from tests.e2e.processes import eventually

pytestmark = pytest.mark.e2e

STEPS = 60


def serving(house: DistributedHouse) -> dict[str, int]:
    """The number of the generation that serves, of each source."""
    with house.valkey.client() as client:
        return generations(client, house.prefix)


def next_of(before: dict[str, int]) -> dict[str, int]:
    """The generations after these."""
    return {source: number + 1 for source, number in before.items()}


def test_rebuild_goes_unnoticed(house: DistributedHouse) -> None:
    """A rebuild ends with a new generation that serves, and no session has seen anything of it."""
    before = serving(house)

    with house.crowd() as crowd:
        crowd.take_steps(STEPS)
        rebuild = house.run_command("rebuild", "--yes")
        eventually(lambda: not rebuild.is_running, about="the end of the rebuild")
        crowd.take_steps(STEPS)
    after = serving(house)
    audited(house)

    assert rebuild.process.returncode == 0, rebuild.said
    assert after == next_of(before)
    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}


def test_rebuild_that_is_killed_leaves_what_serves(house: DistributedHouse) -> None:
    """Whatever ends a rebuild, the generation that served goes on serving."""
    before = serving(house)

    with house.crowd() as crowd:
        crowd.take_steps(STEPS)
        rebuild = house.run_command("rebuild", "--yes")
        with house.valkey.client() as client:
            built = f"{{{house.prefix}}}:{before['orders'] + 1}:*"
            eventually(lambda: next(client.scan_iter(built), None), about="something is built")
        rebuild.kill()
        crowd.take_steps(STEPS)
    after = serving(house)
    audited(house)

    assert after in (before, next_of(before))
    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}
