import json
from collections.abc import Mapping

import httpx
import pytest

from gateway.operating import status_asking
from gateway.operating.status import House, StatusCommand
from gateway.operating.status_asking import ask_gateway
from gateway.operating.status_report import (
    GatewaySilent,
    GatewayStatus,
    PartitionStatus,
    ProjectionStatus,
    SourceLag,
    SourceStatus,
    Status,
    Told,
    things_to_do,
)
from projections.errors import StoreUnavailable
from projections.generations import GenerationCounts
from projections.positions import Partition, SourcePosition
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, customer_row, order_row, poison, product_row
from tests.gateway.operating import Ended, now, opening, run_command
from tests.generational_store import GenerationalMemoryStore

URL = "http://127.0.0.1:8000"
SOURCES = ("orders", "customers", "products")
WELL = GatewayStatus(
    URL, "ready", {s: SourceLag(True, 0, 0.5) for s in SOURCES}, dict.fromkeys(SOURCES, "closed")
)


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
    store: GenerationalMemoryStore | None, *arguments: str, gateways: tuple[Told, ...] = (WELL,)
) -> Ended:
    told = {one.url: one for one in gateways}

    async def ask(url: str) -> Told:
        return told[url]

    command = StatusCommand(opening(House(store, SOURCES, URL)), ask=ask, wall_clock=lambda: NOW_S)
    return run_command(command.run, *arguments)


def test_house_that_is_well_says_so() -> None:
    """Positions, read models, letters and gateways are shown, and nothing is to be done."""
    ended = bff_status(a_store())

    assert ended.code == 0
    for source in SOURCES:
        assert f"\n{source} " in f"\n{ended.out}"
    assert "caught up" in ended.out
    assert ended.out.count(" 0.2 s\n") == len(SOURCES)
    assert "0 dead letters" in ended.out
    assert f"gateway {URL}: ready; circuits: orders closed, customers closed" in ended.out
    assert ended.out.endswith("\nAll is well.\n")


def test_stalled_projection_is_told_with_where_to_look() -> None:
    """A proof that grows old is exit code 1 and one line."""
    ended = bff_status(a_store({"orders": a_position(age_s=42)}))

    assert ended.code == 1
    [line] = [line for line in ended.out.splitlines() if line.startswith("!")]
    assert line == (
        "! orders: not proven current for 42 s: is `bff project` running, and the relay of the "
        "service?"
    )


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
    lag = {**WELL.sources, "orders": SourceLag(True, 0, 60.0)}
    ill = bff_status(None, gateways=(GatewayStatus(URL, "ready", lag, WELL.circuits),))

    assert well.code == 0
    assert ill.code == 1
    assert f"! orders in {URL}: not proven current for 60 s: is the service's feed up?" in ill.out


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
            "ageS": None,
        }
    ]
    assert told["gateways"][0]["circuits"]["orders"] == "closed"
    assert told["toDo"] == ["orders: still reading its log, 0 to go: read live until then"]


def source_of(*ages_s: float | None) -> SourceStatus:
    parts = tuple(
        PartitionStatus(Partition("orders", index, len(ages_s)), a_position(), age_s)
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
            Status(None, (GatewayStatus(URL, "ready", {}, {"orders": "open"}),)),
            (
                f"{URL}: circuit of orders is open: it fails or does not answer; the gateway's log "
                "says why (circuit_changed)"
            ),
        ),
    ],
    ids=["never projected", "never proven", "not ready", "circuit"],
)
def test_each_thing_that_is_wrong_has_one_line(status: Status, line: str) -> None:
    """What it is, and what to do about it."""
    assert things_to_do(status) == [line]


READY = b"""{"status": "catching up",
 "sources": {"orders": {"caughtUp": false, "remaining": 7, "ageMs": null},
             "products": {"caughtUp": true, "remaining": null, "ageMs": 1500}},
 "circuits": {"orders": "half-open"}}"""


async def answer_of(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception) -> Told:
    def reply(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/readyz"
        if isinstance(answer, Exception):
            raise answer
        return answer

    def make(name: str, options: UpstreamOptions) -> HttpxTransport:
        return HttpxTransport(name, options, innermost=httpx.MockTransport(reply))

    monkeypatch.setattr(status_asking, "HttpxTransport", make)
    return await ask_gateway(URL)


@pytest.mark.parametrize("code", [200, 503])
async def test_gateway_tells_how_it_is_ready_or_not(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 503 is an answer too: it says what the gateway waits for."""
    told = await answer_of(monkeypatch, httpx.Response(code, content=READY))

    assert told == GatewayStatus(
        URL,
        "catching up",
        {"orders": SourceLag(False, 7, None), "products": SourceLag(True, None, 1.5)},
        {"orders": "half-open"},
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.ConnectError("refused"), "does not answer"),
        (TimeoutError(), "does not answer in time"),
        (httpx.Response(200, text="<html>hello</html>"), "does not answer like a gateway"),
        (httpx.Response(200, text='{"hello": 1}'), "does not answer like a gateway"),
    ],
    ids=["refused", "late", "a page", "something else"],
)
async def test_whatever_is_no_gateway_is_silent(
    answer: httpx.Response | Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that answers there can end the command."""
    assert await answer_of(monkeypatch, answer) == GatewaySilent(URL, reason)


async def test_address_that_is_none_is_told() -> None:
    """A slip in --gateway is a reason like any other."""
    told = await ask_gateway("localhost:8000")

    assert isinstance(told, GatewaySilent)
    assert "http(s) address" in told.reason
