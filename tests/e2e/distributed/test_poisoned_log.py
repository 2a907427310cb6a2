"""Now and then an event cannot be read: its aggregate is read live, everything else as ever."""

from itertools import cycle

import pytest

from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.e2e.distributed.log_oracle import Key
from tests.e2e.distributed.stored_rows import read_stored
from tests.e2e.shopper import EVENTUAL

pytestmark = pytest.mark.e2e

POISON_RATIO = 0.01
PARKED_LEAST = 2
ORDER_IDS = tuple(f"o-{number}" for number in range(5, 41))
"""No session reads these, or a live answer would heal what is parked."""


def write_until_some_are_parked(house: DistributedHouse) -> int:
    """Change the orders, one after the other, until the newest of some cannot be read.

    How many changes it took.
    """
    service, turn = house.urls["orders"], 0
    for turn, order_id in enumerate(cycle(ORDER_IDS), start=1):
        answer = house.http.patch(f"{service}/orders/{order_id}", json={"note": f"{turn}"})
        answer.raise_for_status()
        if turn % len(ORDER_IDS) == 0 and len(parked_in(house)) >= PARKED_LEAST:
            break
    return turn


def parked_in(house: DistributedHouse) -> frozenset[Key]:
    """The rows that are not trusted now."""
    return read_stored(house.valkey.url, house.prefix).suspects


def letters_of(house: DistributedHouse) -> set[str]:
    """The ids of the orders of which dead letters are kept."""
    with house.valkey.client() as client:
        kept = client.zrange(f"{{{house.prefix}}}:letters:order", 0, -1)
    return {letter_id.split("@")[0].removeprefix("order:") for letter_id in kept}


def test_poison_costs_its_aggregate_and_nothing_else(house: DistributedHouse) -> None:
    """Poisoned orders are parked, kept as dead letters and read live; a newer event heals them."""
    with house.relays(poisonRatio=POISON_RATIO), house.crowd() as crowd:
        write_until_some_are_parked(house)
    parked = {order_id for service, order_id in audited(house).parked if service == "orders"}
    letters = letters_of(house)
    with house.shopper() as shopper:
        shown = [shopper.order(order_id, EVENTUAL).shown("order") for order_id in parked]
        for order_id in parked:
            shopper.write("updateOrder", {"id": order_id, "note": "legible"})
    healed = audited(house)

    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}
    assert parked <= letters
    assert set(shown) <= {("LIVE", "PARKED")}
    assert parked.isdisjoint(order_id for _, order_id in healed.parked)
