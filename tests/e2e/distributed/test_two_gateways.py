"""Two gateways, one world: a session may hop between them at every step, and one may be ended."""

import pytest

from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.distributed_house import CUSTOMER_IDS, DistributedHouse
from tests.e2e.distributed.log_oracle import listed_orders
from tests.e2e.processes import eventually
from tests.e2e.session_history import Broken
from tests.e2e.shopper import EVENTUAL

pytestmark = pytest.mark.e2e

EXIT_LIMIT_S = 10.0
STEPS = 150


def placed_orders(house: DistributedHouse) -> dict[str, set[str]]:
    """The orders of the sessions' customers, as the service has them."""
    url = house.urls["orders"]
    return {
        customer_id: {order["id"] for order in listed_orders(house.http, url, customer_id)}
        for customer_id in CUSTOMER_IDS
    }


def test_session_that_hops_between_gateways_never_goes_back(house: DistributedHouse) -> None:
    """With its token a session sees at every gateway what it wrote and saw at the other."""
    with house.crowd() as crowd:
        crowd.take_steps(STEPS)
    audited(house)

    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}
    assert crowd.unsatisfied_count == 0


def test_session_that_hops_without_its_token_loses_writes(house: DistributedHouse) -> None:
    """Without tokens the same session misses its own writes, so the test above proves something."""
    with house.relays(isHeld=True), house.crowd(carries=False) as crowd:
        crowd.take_steps(STEPS)
    audited(house)

    assert crowd.broken[Broken.READ_YOUR_WRITES] > 0
    assert crowd.failures == []


def test_write_through_one_gateway_is_read_at_the_other_by_its_token(
    house: DistributedHouse,
) -> None:
    """While the relays stand still the other gateway shows the write to who brings the token."""
    with house.relays(isHeld=True), house.shopper(0) as here, house.shopper(1) as there:
        placed = here.place("c-4", note="for the porch")
        without = there.order(placed.id, EVENTUAL)
        by_token = there.order(placed.id, token=placed.token)
    with house.shopper(1) as there:
        projected = eventually(
            lambda: there.order(placed.id, EVENTUAL).data["order"], about="the order is projected"
        )
        reached = there.order(placed.id, token=placed.token)

    assert without.data["order"] is None
    assert by_token.data["order"]["note"] == "for the porch"
    assert by_token.shown("order") == ("LIVE", "TOKEN_NOT_REACHED")
    assert projected["note"] == "for the porch"
    assert reached.shown("order") == ("PROJECTION", "TOKEN_REACHED")


def test_gateway_that_is_asked_to_end_fails_nobody(house: DistributedHouse) -> None:
    """Whatever was sent is answered, nothing is done twice, and the gateway is gone in time."""
    before = placed_orders(house)
    leaving = house.gateways[0]

    with house.crowd() as crowd:
        crowd.take_steps(STEPS // 3)
        ended = leaving.end()
        house.leave(leaving)
        crowd.take_steps(STEPS // 3)
        house.start_gateway(leaving.address)
        house.wait_until_ready()
        crowd.take_steps(STEPS // 3)
    after = placed_orders(house)
    audited(house)

    assert ended.exit_code == 0
    assert ended.took_s < EXIT_LIMIT_S
    assert crowd.failures == []
    assert crowd.errors == {}
    assert crowd.broken == {}
    for customer_id, placed in crowd.placed.items():
        assert len(placed) == len(set(placed))
        assert after[customer_id] == before[customer_id] | set(placed)
