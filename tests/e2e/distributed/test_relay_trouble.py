"""A relay stands still, or tells things twice: age shows it, tokens get around it."""

import pytest

from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.e2e.processes import eventually
from tests.e2e.shopper import EVENTUAL, Answer

pytestmark = pytest.mark.e2e

STALLED_MS = 3_000
DUPLICATE_RATIO = 0.1
STEPS = 150


def ages_ms(house: DistributedHouse) -> list[int]:
    """How old the projection of each source may be, as a gateway tells; empty if it cannot look."""
    sources = house.readiness()["sources"]
    return [of_source["ageMs"] for of_source in sources.values()]


def age_shown_ms(answer: Answer) -> int:
    """The age of the order in an answer."""
    [order] = [part for part in answer.consistency["components"] if part["path"] == "order"]
    return int(order["ageMs"])


def test_relay_that_stands_still_shows_as_age_and_holds_up_nobody(
    house: DistributedHouse,
) -> None:
    """The projection says how old it is; nobody is kept waiting for what cannot come."""
    with house.crowd() as crowd, house.relays(isHeld=True), house.shopper() as shopper:
        eventually(
            lambda: min(ages_ms(house), default=0) > STALLED_MS, about="the standstill shows"
        )
        old = shopper.order("o-3", EVENTUAL)
        written = shopper.write("updateOrder", {"id": "o-3", "note": "new"})
        by_token = shopper.order("o-3", token=written.token)
    eventually(
        lambda: max(ages_ms(house), default=STALLED_MS) < STALLED_MS,
        about="the projection is current again",
    )
    audited(house)

    assert age_shown_ms(old) > STALLED_MS
    assert by_token.data["order"]["note"] == "new"
    assert by_token.consistency["waitedMs"] == 0
    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}


def test_event_that_is_told_twice_counts_once(house: DistributedHouse) -> None:
    """Ten per cent of all events come twice, and everything is as if they had not."""
    with house.relays(duplicateRatio=DUPLICATE_RATIO), house.crowd() as crowd:
        crowd.take_steps(STEPS)
    audited(house)

    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}
