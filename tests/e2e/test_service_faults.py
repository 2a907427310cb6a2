"""A service misbehaves while reads go on: coded answers within the deadline, the rest unharmed.

The faults strike the shared house. Good calls before each test keep every service's reputation up,
so that no circuit opens; what an open circuit does is told in `test_outage`.
"""

from collections.abc import Mapping
from contextlib import ExitStack

import pytest

from tests.e2e.house import HELD, House
from tests.e2e.processes import eventually
from tests.e2e.shopper import EVENTUAL, LIVE, Answer, Json, Shopper

pytestmark = pytest.mark.e2e

DEADLINE_S = 2.0
BUSY_MACHINE_S = 0.5
"""What this machine may take on top, before and after the gateway's own deadline."""

LIVE_AND_PROJECTED = """{
  order(id: "o-31", consistency: { live: true }) { id }
  customer(id: "c-31", consistency: { live: true }) { id }
  product(id: "p-31", consistency: { live: true }) { id }
  projected: order(id: "o-31") { id customer { id } items { product { id } } }
}"""


SLOW_IN_THREE_WAYS = {
    "orders": {"latencyMs": {"fixed": 5000}},
    "customers": {"hang": True},
    "products": {"slowBodyMs": 5000},
}


def each(fault: Json) -> dict[str, Json]:
    """The same fault in every service."""
    return {service: {**fault} for service in SLOW_IN_THREE_WAYS}


GOOD_CALL_COUNT = 12
"""More than the failed calls of any test here: the circuit opens when half of all calls fail."""


@pytest.fixture(autouse=True)
def _good_reputation(shopper: Shopper) -> None:
    """Every service has just answered well, several times."""
    for _ in range(GOOD_CALL_COUNT):
        assert shopper.ask(LIVE_AND_PROJECTED).errors == []


@pytest.mark.parametrize(
    ("fault_by_service", "code"),
    [
        (SLOW_IN_THREE_WAYS, "UPSTREAM_TIMEOUT"),
        (each({"errorRate": 1.0}), "UPSTREAM_UNAVAILABLE"),
        (each({"refuse": True}), "UPSTREAM_UNAVAILABLE"),
        (each({"malformed": True}), "UPSTREAM_INVALID_ANSWER"),
    ],
    ids=["too slow", "errors", "refused", "malformed"],
)
def test_fault_is_told_in_time_and_harms_no_projected_read(
    house: House, shopper: Shopper, fault_by_service: Mapping[str, Json], code: str
) -> None:
    """Each live read has its code within the deadline; the projected one beside it is whole."""
    with ExitStack() as faults:
        for service, fault in fault_by_service.items():
            faults.enter_context(house.with_faults(service, {"path": f"/{service}", **fault}))
        struck = shopper.ask(LIVE_AND_PROJECTED)
    well = shopper.ask(LIVE_AND_PROJECTED)

    assert struck.codes == {"order": code, "customer": code, "product": code}
    assert struck.data["projected"] == well.data["projected"]
    assert struck.took_s < DEADLINE_S + BUSY_MACHINE_S
    assert well.errors == []


def test_wish_of_an_overloaded_service_is_passed_on(house: House, shopper: Shopper) -> None:
    """The client learns from the service when to come back."""
    overloaded = {"path": "/products", "errorRate": 1.0, "status": 503, "retryAfterS": 7}

    with house.with_faults("products", overloaded):
        answer = shopper.ask('{ product(id: "p-1", consistency: { live: true }) { id } }')

    [error] = answer.errors
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert error["extensions"]["retryAfterMs"] == 7000


def test_page_misses_only_what_the_hanging_service_owns(house: House, shopper: Shopper) -> None:
    """Composed live, an order whose customer cannot be had still shows its lines and products."""
    with house.with_faults("customers", {"path": "/customers", "hang": True}):
        page = shopper.order("o-32", LIVE)

    order = page.data["order"]
    assert page.codes == {"order.customer": "UPSTREAM_TIMEOUT"}
    assert order["customer"] is None
    assert all(item["product"]["name"] for item in order["items"])
    assert page.took_s < DEADLINE_S + BUSY_MACHINE_S


def test_service_that_fails_now_and_then_fails_only_then(house: House, shopper: Shopper) -> None:
    """With an error rate every read is whole, perhaps at the second attempt, or coded."""
    with house.with_faults("customers", {"path": "/customers", "errorRate": 0.3}):
        pages = [shopper.order("o-33", LIVE) for _ in range(12)]

    failed = [page for page in pages if page.errors]
    whole = [page for page in pages if not page.errors]
    assert all(page.codes == {"order.customer": "UPSTREAM_UNAVAILABLE"} for page in failed)
    assert all(page.data["order"]["customer"]["name"] for page in whole)
    assert len(whole) > len(failed)


def test_mutation_that_hangs_is_told_to_be_of_unknown_outcome(
    house: House, shopper: Shopper
) -> None:
    """Nobody can know whether a write without an answer was done, and the client is told so."""
    with house.with_faults("customers", {"path": "/customers", "hang": True}):
        answer = shopper.mutate("updateCustomer", {"id": "c-141", "name": "Grace"})

    [error] = answer.errors
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"
    assert error["extensions"]["outcome"] == "UNKNOWN"
    assert answer.took_s < DEADLINE_S + BUSY_MACHINE_S


def test_token_whose_owner_is_lost_is_never_met_by_an_old_world(
    house: House, shopper: Shopper
) -> None:
    """With feed and service both lost, it is what was kept, or old and saying so on demand."""
    order = shopper.place("c-142", note="old")
    eventually(lambda: shopper.order(order.id, EVENTUAL).data["order"], about="it is projected")

    with house.with_faults("orders", HELD, {"path": "/orders", "methods": ["GET"], "refuse": True}):
        written = shopper.write("updateOrder", {"id": order.id, "note": "new"})

        def stood_in() -> Answer | None:
            """The answer, once the owner's answer to the write has gone stale."""
            by_token = shopper.order(order.id, token=written.token)
            assert by_token.data["order"]["note"] == "new"
            is_kept = by_token.shown("order") == ("LIVE", "STALE_IF_ERROR")
            return by_token if is_kept else None

        by_token = eventually(stood_in, about="nobody can tell")
        at_least = {"tokens": [written.token], "maxWaitMs": 0, "onTimeout": "STALE"}
        stale = shopper.order(order.id, {"atLeast": at_least})

    assert by_token.codes == {}
    assert by_token.consistency["satisfied"] is False
    assert stale.data["order"]["note"] == "old"
    assert stale.shown("order") == ("PROJECTION", "STALE_ALLOWED")
    assert stale.consistency["satisfied"] is False
