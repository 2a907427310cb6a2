"""Every fault of every service, and of every pair, over real processes and sockets.

One request asks the owners for a page and for its parts, so that it shows what each loses and what
none loses. No circuit is open when a case begins: good answers before it keep up every reputation.
"""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, combinations
from random import Random

import pytest

from tests.e2e.house import House
from tests.e2e.processes import eventually
from tests.e2e.shopper import Answer, Json, Shopper
from tests.e2e.starting import running_house

pytestmark = pytest.mark.e2e

SERVICES = ("orders", "customers", "products")
DEADLINE_S = 2.0
ATTEMPT_S = 1.0
BUSY_MACHINE_S = 0.5
GOOD_PAGE_COUNT = 8
"""More good calls of each kind than the failed ones of a case: it takes half to open a circuit."""

FLAP_COUNT = 3
PAGES_BETWEEN = 3
TAIL_RATE = 0.01
TAIL_MS = 700
TAIL_PAGES = 150
READERS = 3
HEDGES_SAVED = 20
FAULT_SEED = 1
"""What the stubs draw from, where a rule names no other."""

RETRIES = 2
ITEMS = "order.items"
DEAD = (("customers",), ("orders", "products"))
PART_OF = {"orders": "order", "customers": "order.customer", "products": "order.items.product"}
BREAK_S = 5.0
"""The first break of a circuit at most; no service is dead in two of the cases."""

PLAIN_PAGE = '{ order(id: "o-1") { status customer { name } items { product { name } } } }'
PAGE = """{
  order(id: "o-1", consistency: { live: true }) {
    status customer { name } items { quantity product { name } }
  }
  customer(id: "c-77", consistency: { live: true }) { name }
  product(id: "p-77", consistency: { live: true }) { name }
  projected: order(id: "o-1") { status customer { name } items { product { name } } }
}"""


@dataclass(frozen=True)
class Fault:
    """What a service does, and the codes and time (s) that are told of it.

    ``call_count``: the most calls that one read may cost.
    """

    name: str
    rule: Mapping[str, object]
    code: str
    least_s: float = 0.0
    call_count: int = 1 + RETRIES
    retry_after_ms: int | None = None

    def __str__(self) -> str:
        return self.name


DOWN, NONSENSE, LATE = "UPSTREAM_UNAVAILABLE", "UPSTREAM_INVALID_ANSWER", "UPSTREAM_TIMEOUT"
TOO_BUSY = {"errorRate": 1, "status": 429, "retryAfterS": 7}
FAULTS = (
    Fault("500", {"errorRate": 1}, DOWN),
    Fault("429 + Retry-After", TOO_BUSY, DOWN, call_count=1, retry_after_ms=7000),
    Fault("refuses", {"refuse": True}, DOWN),
    Fault("resets after its work", {"dropAnswer": True}, DOWN),
    Fault("resets in the middle of the body", {"cutBody": True}, DOWN),
    Fault("hangs", {"hang": True}, LATE, ATTEMPT_S, call_count=2),
    Fault("slow body", {"slowBodyMs": 5000}, LATE, ATTEMPT_S, call_count=2),
    Fault("malformed", {"malformed": True}, NONSENSE, call_count=1),
    Fault("wrong schema", {"wrongSchema": True}, NONSENSE, call_count=1),
)
STRUCK = [*chain.from_iterable(combinations(SERVICES, count) for count in (1, 2))]

each_target = pytest.mark.parametrize("struck", STRUCK, ids=" and ".join)


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own, whose services are struck."""
    with running_house(tmp_path_factory.mktemp("fragile")) as house:
        yield house


@pytest.fixture
def visitor(fragile: House) -> Iterator[Shopper]:
    """A client of it, while everybody is well."""
    with fragile.shopper() as shopper:
        eventually(lambda: not shopper.ask(PAGE).errors, about="a house that is well")
        for _ in range(GOOD_PAGE_COUNT):
            assert shopper.ask(PAGE).errors == []
        yield shopper


def strike(house: House, struck: tuple[str, ...], rule: Mapping[str, object]) -> ExitStack:
    """These services misbehave like this for as long as the stack is open."""
    faults = ExitStack()
    for service in struck:
        faults.enter_context(house.with_faults(service, {"path": f"/{service}", **rule}))
    return faults


def call_count(house: House, service: str) -> int:
    """How many calls have met the service's rule."""
    counts = house.http.get(f"{house.urls[service]}/admin/faults/counts").raise_for_status()
    return int(counts.json()["requestCounts"][0])


def lost_paths(struck: tuple[str, ...], page: Json) -> dict[str, str]:
    """The parts of the page that these services own, by path: who is missed there."""
    lost = {f"{service.removesuffix('s')}": service for service in struck}
    if "orders" in struck:
        return lost
    if "customers" in struck:
        lost["order.customer"] = "customers"
    if "products" in struck:
        items = range(len(page["order"]["items"]))
        lost |= {f"{ITEMS}.{n}.product": "products" for n in items}
    return lost


@each_target
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_struck_services_lose_their_own_parts_and_nothing_else(
    fragile: House, visitor: Shopper, struck: tuple[str, ...], fault: Fault
) -> None:
    """Each part lost is coded and names its service, in time, for few calls; the rest is there."""
    well = visitor.ask(PAGE).data

    with strike(fragile, struck, fault.rule):
        answer = visitor.ask(PAGE)
        calls = {service: call_count(fragile, service) for service in struck}

    lost = lost_paths(struck, well)
    assert answer.codes == dict.fromkeys(lost, fault.code)
    assert services_in(answer) == lost
    assert answer.data == without(well, lost)
    assert {e["extensions"].get("retryAfterMs") for e in answer.errors} == {fault.retry_after_ms}
    assert fault.least_s - 0.1 < answer.took_s < DEADLINE_S + BUSY_MACHINE_S
    # Besides the page's own, each read of the customer and the product is a call of its own.
    assert all(1 <= count <= 2 * fault.call_count for count in calls.values()), calls


def services_in(answer: Answer) -> dict[str, str]:
    """Which service each error names."""
    paths = list(answer.codes)
    named = [error["extensions"]["service"] for error in answer.errors]
    return dict(zip(paths, named, strict=True))


def without(data: Json, lost: Mapping[str, str]) -> Json:
    """The page with null in place of these parts."""
    kept = {**data, **{path: None for path in lost if path in data}}
    if kept["order"] is not None:
        order = {**kept["order"]}
        if "order.customer" in lost:
            order["customer"] = None
        if f"{ITEMS}.0.product" in lost:
            order["items"] = [{**item, "product": None} for item in order["items"]]
        kept["order"] = order
    return kept


@each_target
def test_what_is_not_found_is_an_answer_where_one_thing_was_asked_for(
    fragile: House, visitor: Shopper, struck: tuple[str, ...]
) -> None:
    """A 404 for one order says that there is none; for a batch it is no answer at all."""
    well = visitor.ask(PAGE).data

    with strike(fragile, struck, {"errorRate": 1, "status": 404}):
        answer = visitor.ask(PAGE)

    lost = lost_paths(struck, well)
    assert answer.data == without(well, lost)
    assert answer.codes == {path: NONSENSE for path, of in lost.items() if of != "orders"}
    assert answer.took_s < BUSY_MACHINE_S


@each_target
def test_services_that_flap_are_missed_while_they_are_down_and_only_then(
    fragile: House, visitor: Shopper, struck: tuple[str, ...]
) -> None:
    """Down and up by turns: a page has all of them or says what it misses, and none lags behind."""
    well = visitor.ask(PAGE).data
    lost = lost_paths(struck, well)

    for _ in range(FLAP_COUNT):
        with strike(fragile, struck, {"refuse": True}):
            down = visitor.ask(PAGE)
        up = [visitor.ask(PAGE) for _ in range(PAGES_BETWEEN)]

        assert down.codes == dict.fromkeys(lost, DOWN)
        assert [page.body.get("errors") for page in up] == [None] * PAGES_BETWEEN


@pytest.mark.parametrize("service", SERVICES)
def test_slow_tail_is_not_waited_for(fragile: House, visitor: Shopper, service: str) -> None:
    """One answer of a hundred takes most of a second, and hardly a page does: it is asked twice.

    The control: the chances of the rule are known, and several calls have been struck.
    """
    tail = {"path": f"/{service}", "rate": TAIL_RATE, "latencyMs": {"fixed": TAIL_MS}}

    with (
        fragile.with_faults(service, tail),
        ThreadPoolExecutor(READERS) as readers,
        ExitStack() as clients,
    ):
        shoppers = [clients.enter_context(fragile.shopper()) for _ in range(READERS)]
        pages = list(readers.map(lambda n: shoppers[n % READERS].ask(PAGE), range(TAIL_PAGES)))
        calls = call_count(fragile, service)

    assert [page.body.get("errors") for page in pages] == [None] * TAIL_PAGES
    chances = Random(FAULT_SEED)
    struck_count = sum(chances.random() < TAIL_RATE for _ in range(calls))
    slow = [page for page in pages if page.took_s > TAIL_MS / 1000]
    assert struck_count >= 2 > len(slow)
    assert calls <= 1.05 * 2 * TAIL_PAGES + HEDGES_SAVED


@pytest.mark.timeout(90)
@pytest.mark.parametrize("dead", DEAD, ids=" and ".join)
def test_dead_services_at_length(fragile: House, visitor: Shopper, dead: tuple[str, ...]) -> None:
    """Circuits open, the plain page is whole all the same, and after a break all is as before."""
    well = visitor.ask(PLAIN_PAGE).data

    with ExitStack() as faults:
        for service in dead:
            faults.enter_context(fragile.with_faults(service, {"path": "/", "refuse": True}))
        eventually(lambda: open_circuits(visitor) >= {*dead}, about="open circuits")
        eventually(lambda: spent_budgets(fragile) >= {*dead}, about="a projection that is too old")
        page = visitor.ask(PLAIN_PAGE)
        refused = visitor.ask(PAGE)
    mended_at_s = time.monotonic()
    eventually(lambda: not visitor.ask(PAGE).errors, about="a page that is whole again")
    recovered_s = time.monotonic() - mended_at_s

    assert (page.data, page.errors) == (well, [])
    reasons = {service: page.shown(PART_OF[service])[1] for service in dead}
    assert reasons == dict.fromkeys(dead, "STALE_IF_ERROR")
    assert page.took_s < BUSY_MACHINE_S
    assert set(refused.codes.values()) == {"CIRCUIT_OPEN"}
    assert refused.took_s < BUSY_MACHINE_S
    assert recovered_s < BREAK_S + 1


def open_circuits(visitor: Shopper) -> set[str]:
    """The services that are not called any more, after one page more that wanted them."""
    visitor.ask(PAGE)
    circuits = visitor.http.get("/readyz").json()["circuits"]
    return {name.partition(".")[0] for name, state in circuits.items() if state == "open"}


def spent_budgets(house: House) -> set[str]:
    """The services whose projection has grown too old for plain reads."""
    sources = house.http.get(f"{house.started.address}/readyz").json()["sources"]
    return {name for name, of in sources.items() if of["isSpent"]}
