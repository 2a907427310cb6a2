"""A service is killed with its relay in it, and started again over the data it left."""

import pytest

from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.distributed_house import CUSTOMER_IDS, DistributedHouse
from tests.e2e.distributed.log_oracle import listed_orders
from tests.e2e.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

DOWN = {"UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT", "CIRCUIT_OPEN"}
STEPS = 100
LONGEST_BREAK_S = 90.0
"""A circuit that was probed in vain is left alone for half a minute, and up to a fifth more."""


@pytest.mark.parametrize("service", ["orders", "products"])
def test_killed_service_publishes_what_it_had_committed(
    house: DistributedHouse, service: str
) -> None:
    """What was answered is committed, and what is committed is published after the restart."""
    with house.crowd() as crowd:
        crowd.take_steps(STEPS)
        house.kill_service(service)
        crowd.take_steps(STEPS // 4)
        house.restart_service(service)
        eventually(
            lambda: all(takes_writes(house, gateway) for gateway in range(2)),
            about=f"{service} is asked again",
            within_s=LONGEST_BREAK_S,
        )
        crowd.take_steps(STEPS)
    audited(house)

    assert crowd.broken == {}
    assert crowd.failures == []
    assert set(crowd.errors) <= DOWN
    for customer_id in CUSTOMER_IDS:
        orders = listed_orders(house.http, house.urls["orders"], customer_id)
        assert {order["id"] for order in orders} >= set(crowd.placed[customer_id])


def takes_writes(house: DistributedHouse, gateway: int) -> bool:
    """Whether this gateway lets every write through; reads may all be answered by the projection.

    So nobody may ask for what needs a live list, and its circuit waits for its probe.
    """
    circuits = house.readiness(gateway)["circuits"]
    writes = [state for name, state in circuits.items() if name.endswith((".create", ".change"))]
    return bool(writes) and all(state == "closed" for state in writes)
