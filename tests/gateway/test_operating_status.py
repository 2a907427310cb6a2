import json
import re
from collections.abc import Mapping

import pytest

from gateway.freshness import Freshness
from gateway.operating.status import House, StatusCommand
from gateway.operating.status_report import (
    GatewaySilent,
    GatewayStatus,
    PartitionStatus,
    ProjectionStatus,
    SourceStatus,
    Status,
    Told,
    things_to_do,
)
from gateway.watcher import Hearing, HearingState
from projections.errors import StoreUnavailable
from projections.generations import GenerationCounts
from projections.positions import Partition, SourcePosition
from projections.versions import AggregateType
from projections.views import STALENESS_BUDGETS_S
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, customer_row, order_row, poison, product_row
from tests.gateway.operating import Ended, now, opening, run_command
from tests.generational_store import GenerationalMemoryStore

URL = "http://127.0.0.1:8000"
SOURCES = ("orders", "customers", "products")
BUDGET_S = 2.5
FRESH = Freshness(True, 0, 0.5, BUDGET_S)
OLD = Freshness(True, 0, 60.0, BUDGET_S)
CIRCUITS = {"orders.read": "closed", "orders.list": "closed"}
WELL = GatewayStatus(URL, "ready", dict.fromkeys(SOURCES, FRESH), CIRCUITS)


NOW_S = 1_800_000_000.0


def a_position(*, age_s: float = 0.2, is_caught_up: bool = True) -> SourcePosition:
    return SourcePosition("log-7", NOW_S - age_s, is_caught_up, remaining_count=0)


def a_store(positions: Mapping[str, SourcePosition] | None = None) -> GenerationalMemoryStore:
    """A store in which every source has a row and stands where it is told to."""
    store = GenerationalMemoryStore()
    for row in (order_row(), customer_row(), product_row()):
        source = row.aggregate_type.source
        at = (positions or {}).get(source, a_position())
        now(apply_next(store, batch(change(row), source=source, at=at)))
    return store


def bff_status(
    store: GenerationalMemoryStore | None,
    *arguments: str,
    gateways: tuple[Told, ...] = (WELL,),
    budgets_s: Mapping[AggregateType, float] = STALENESS_BUDGETS_S,
) -> Ended:
    told = {one.url: one for one in gateways}

    async def ask(url: str) -> Told:
        return told[url]

    house = House(store, SOURCES, URL, budgets_s)
    command = StatusCommand(opening(house), ask=ask, wall_clock=lambda: NOW_S)
    return run_command(command.run, *arguments)


def test_house_that_is_well_says_so() -> None:
    """Positions, read models, letters and gateways are shown, and nothing is to be done."""
    ended = bff_status(a_store())

    assert ended.code == 0
    for source in SOURCES:
        assert f"\n{source} " in f"\n{ended.out}"
    assert "caught up" in ended.out
    assert len(re.findall(r" 0\.2 s +2\.5 s *\n", ended.out)) == len(SOURCES)
    assert "0 dead letters" in ended.out
    assert f"gateway {URL}: ready; circuits: orders.read closed, orders.list closed" in ended.out
    assert ended.out.endswith("\nAll is well.\n")


def test_stalled_projection_is_told_with_where_to_look() -> None:
    """A proof that grows old is exit code 1 and one line."""
    ended = bff_status(a_store({"orders": a_position(age_s=42)}))

    assert ended.code == 1
    [line] = [line for line in ended.out.splitlines() if line.startswith("!")]
    assert line == (
        "! orders: not proven current for 42 s, and read live after 2.5 s: is `bff project` "
        "running, and the relay of the service?"
    )
    assert re.search(r" 42 s +2\.5 s, spent *\n", ended.out)


def test_age_is_judged_by_the_budget_of_its_read_model() -> None:
    """The same age needs a look where the budget is spent, and none where it is not."""
    store = a_store(dict.fromkeys(SOURCES, a_position(age_s=5)))

    ended = bff_status(store, budgets_s={**STALENESS_BUDGETS_S, AggregateType.CUSTOMER: 10.0})

    told = [line.split(":")[0] for line in ended.out.splitlines() if line.startswith("!")]
    assert told == ["! orders", "! products"]


def test_suspects_lead_to_the_dead_letters() -> None:
    """Parked events are counted, and the command that shows them is named."""
    store = a_store()
    now(apply_next(store, batch(poison(order_row().key, 2), at=a_position())))

    ended = bff_status(store)

    assert ended.code == 1
    assert "1 dead letter\n" in ended.out
    assert "! orders: 1 marked suspect" in ended.out
    assert "`bff dead-letters list`" in ended.out


def test_rebuild_that_is_under_way_is_shown() -> None:
    """What is being built is told with its generation, and is nothing to worry about."""
    store = a_store()
    built = now(store.building(["orders"]))
    now(apply_next(built, batch(change(order_row()), at=a_position())))

    ended = bff_status(store)

    assert ended.code == 0
    assert "2: 1 row\n" in ended.out


def test_embedded_house_asks_its_gateway_alone() -> None:
    """Where the projection is the gateway's own, what it says of its sources is judged."""
    well = bff_status(None)
    sources = {**WELL.sources, "orders": OLD}
    ill = bff_status(None, gateways=(GatewayStatus(URL, "stale", sources, WELL.circuits),))

    assert well.code == 0
    assert ill.code == 1
    [line] = [line for line in ill.out.splitlines() if line.startswith("!")]
    assert line == (
        f"! orders in {URL}: not proven current for 60 s, and read live after 2.5 s: is the "
        "service's feed up?"
    )


def test_nobody_who_tells_is_no_answer() -> None:
    """Without a shared store, a silent gateway leaves the question open: exit code 2."""
    ended = bff_status(None, gateways=(GatewaySilent(URL, "does not answer"),))

    assert ended.code == 2
    assert f"! {URL}: does not answer: is `bff serve` running there?" in ended.out


def test_silent_gateway_before_a_sound_projection_needs_a_look() -> None:
    """The projection is known; that one gateway says nothing is one thing to do."""
    other = "http://127.0.0.1:8001"
    gateways = (WELL, GatewaySilent(other, "does not answer in time"))

    ended = bff_status(a_store(), "--gateway", URL, "--gateway", other, gateways=gateways)

    assert ended.code == 1
    assert f"! {other}: does not answer in time" in ended.out


def test_store_out_of_reach_leaves_the_question_open() -> None:
    """No store is exit code 2 with a hint; the gateways are shown all the same."""

    class Unreachable(GenerationalMemoryStore):
        async def positions(self, *_: object, **__: object) -> Mapping[Partition, SourcePosition]:
            raise StoreUnavailable("no answer in time")

    ended = bff_status(Unreachable())

    assert ended.code == 2
    assert f"gateway {URL}: ready" in ended.out
    assert "! store: no answer in time: is Redis up, and BFF_REDIS_URL right?" in ended.out


def test_machines_get_json() -> None:
    """With --json everything is told, and what is to be done as lines."""
    told = json.loads(bff_status(a_store({"orders": a_position(is_caught_up=False)}), "--json").out)

    assert told["deadLetterCount"] == 0
    assert [of["source"] for of in told["sources"]] == list(SOURCES)
    orders = told["sources"][0]
    assert orders["generation"] == 1
    assert orders["rowCount"] == 1
    assert orders["partitions"] == [
        {
            "partition": "orders",
            "cursor": "log-7",
            "isCaughtUp": False,
            "remainingCount": 0,
            "ageS": pytest.approx(0.2, abs=0.001),
            "budgetS": 2.5,
            "isSpent": False,
        }
    ]
    assert told["gateways"][0]["circuits"] == CIRCUITS
    assert told["gateways"][0]["watcher"] is None
    assert told["toDo"] == ["orders: still reading its log, 0 to go: read live until then"]


DEAF = Hearing(HearingState.DEAF, "the server does not let us do this")


def source_of(*ages_s: float | None) -> SourceStatus:
    parts = tuple(
        PartitionStatus(
            Partition("orders", index, len(ages_s)),
            a_position(),
            Freshness(True, 0, age_s, BUDGET_S),
        )
        for index, age_s in enumerate(ages_s)
    )
    return SourceStatus("orders", parts, GenerationCounts(1, 5, 0), None)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (
            Status(ProjectionStatus((source_of(),), 0), ()),
            "orders: nothing was ever projected: start `bff project`",
        ),
        (
            Status(ProjectionStatus((source_of(0.1, None),), 0), ()),
            (
                "orders/1: never proven current: is `bff project` running, and the relay of the "
                "service?"
            ),
        ),
        (
            Status(None, (GatewayStatus(URL, "catching up"),)),
            f"{URL}: catching up: it reads live, or not at all, until it is ready",
        ),
        (
            Status(ProjectionStatus((), 0), (GatewayStatus(URL, "stale", {"orders": OLD}),)),
            f"{URL}: finds orders older than its staleness budget, and reads it live",
        ),
        (
            Status(None, (GatewayStatus(URL, "ready", hearing=DEAF),)),
            (
                f"{URL}: the server does not let us do this: what it shows stays right and costs "
                "more; may it subscribe to the news of the store?"
            ),
        ),
        (
            Status(None, (GatewayStatus(URL, "ready", {}, {"orders.list": "open"}),)),
            (
                f"{URL}: circuit of orders.list is open: it fails or does not answer; the "
                "gateway's log says why (circuit_changed)"
            ),
        ),
    ],
    ids=["never projected", "never proven", "not ready", "stale", "deaf", "circuit"],
)
def test_each_thing_that_is_wrong_has_one_line(status: Status, line: str) -> None:
    """What it is, and what to do about it."""
    assert things_to_do(status) == [line]
