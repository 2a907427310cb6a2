"""What a thousand forged tokens a second do to others, and to the services behind the gateway.

*Ratio*: the 99th percentile of reads that well-behaved sessions make at a steady pace, in rounds in
which another client sends such requests, over that of the rounds between, in which nobody does. The
control is a flood of requests as many and as long that ask for `__typename`: nearly what HTTP alone
costs. On a machine that is too busy the ratio is told and not judged. *Calls*: what reached a
service with the id of a forged request; the control is what reached them with the id of reads that
ask to be live. One process each: gateway, services, flood, readers.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.figures import AtMost, Control, Figure
from benchmarks.flood_rounds import Kind, Plan, block_ratios, by_kind, used_by_kind
from benchmarks.forged_tokens import FLOOD_ID, TEXT_CHARACTERS
from benchmarks.houses import START_LIMIT_S, is_ready
from benchmarks.process_usage import cpu_s
from benchmarks.processes import (
    OTHERS,
    CpuMeter,
    Json,
    MeasurementFailed,
    accounted,
    end_in_order,
    role_running,
)
from benchmarks.runs import Run
from benchmarks.spread import Spread
from benchmarks.steady_reader import READER_ID
from benchmarks.waiting import wait_watching
from gateway.token_key import make_key
from tests.e2e.distributed.roles import Role, free_address
from tests.e2e.processes import eventually
from tests.e2e.shopper import LIVE, SESSION_HEADER, Shopper, quiet_client

FLOOD_RATE: Final = 1_000.0
READ_RATE: Final = 50.0
ROUND_SHARE: Final = 0.25
"""Of the length of a load: there are eighteen rounds."""

LEAD_S: Final = 3.0
"""Until the first round begins: the load has to be rendered first."""

LIVE_ID: Final = "live"
LIVE_COUNT: Final = 20
RATIO_AIM: Final = AtMost(1.1)
STILL_S: Final = 0.002
"""How late (s) the 99th of a hundred timers of the readers may be in quiet rounds. Where it is
later, others are at work: the ratio compares their noise with itself, and says nothing."""

MS: Final = 1_000
MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class FloodedHouse:
    """A gateway that has caught up, before services that count who calls them."""

    folder: Path
    gateway: Role
    services: Role
    keys: str
    calls_path: Path

    @property
    def pid(self) -> int:
        """Of the gateway."""
        return self.gateway.process.pid

    def calls(self) -> Mapping[str, int]:
        """End the services; how many calls each request id has caused."""
        end_in_order(self.services)
        calls: dict[str, int] = json.loads(self.calls_path.read_text())
        return calls


def measure(run: Run) -> Iterator[Figure]:
    """All rounds, then what the services have counted."""
    with running_house(run, run.room("token-flood")) as house:
        read_live(house.gateway)
        plan = Plan(time.time() + LEAD_S, run.lengths.load_s * ROUND_SHARE, FLOOD_RATE)
        meter = CpuMeter({"gateway": house.pid})
        used: list[tuple[float, float]] = []
        readers, flood = put_on(
            run, house, plan, lambda: used.append((time.time() - plan.first_at_s, cpu_s(house.pid)))
        )
        used_s = meter.used_s()
        end_in_order(house.gateway)
        calls = house.calls()
    yield from call_figures(calls, flood)
    if is_still(plan, readers):  # else answers outlast their rounds, and cost counts elsewhere
        yield cost_figure(plan, used)
    yield from read_figures(plan, readers, circumstances(plan, readers, flood, used_s))


def put_on(
    run: Run, house: FloodedHouse, plan: Plan, look: Callable[[], None]
) -> tuple[Json, Json]:
    """Readers through all rounds, the flood in some; what both tell. Raises `MeasurementFailed`."""
    gateway, limit_s = house.gateway.address, plan.seconds + LEAD_S + 60
    reading = (
        *("benchmarks.steady_reader", f"--gateway={gateway}", f"--rate={READ_RATE}"),
        *(f"--first-at={plan.first_at_s}", f"--seconds={plan.seconds}"),
    )
    flooding = (
        *("benchmarks.flood_load", f"--gateway={gateway}", f"--keys={house.keys}"),
        f"--plan={json.dumps(asdict(plan))}",
    )
    with (
        accounted(reading, house.folder, within_s=limit_s) as readers,
        accounted(flooding, house.folder, within_s=limit_s) as flood,
    ):
        wait_watching(run, "forged tokens", readers, plan.seconds + LEAD_S, look)
    for told in (readers.told, *flood.told.values()):
        if told["failure_count"]:
            raise MeasurementFailed(f"not answered as they should be: {told['failures']}")
    return readers.told, flood.told


def call_figures(calls: Mapping[str, int], flood: Json) -> Iterator[Figure]:
    """What the flood has cost the services."""
    sent, read_calls = flood[Kind.FORGED.name]["answered"]["count"], calls.get(READER_ID, 0)
    yield Figure(
        name=f"upstream calls by {sent:,} forged tokens",
        value=calls.get(FLOOD_ID, 0),
        unit="calls",
        aim=AtMost(0),
        control=Control(f"by {LIVE_COUNT} live reads", calls.get(LIVE_ID, 0)),
        note=f"all refused; up to {TEXT_CHARACTERS:,} characters; by readers {read_calls}",
    )


def is_still(plan: Plan, readers: Json) -> bool:
    """Were others quiet enough for the rounds to be compared? The gateway has no part in it."""
    return by_kind(plan, readers["late"])[Kind.QUIET].p99 <= STILL_S


def cost_figure(plan: Plan, used: Sequence[tuple[float, float]]) -> Figure:
    """What one request of the flood has cost the gateway."""
    shares = used_by_kind(plan, used)
    forged, cheap = (
        (shares[kind] - shares[Kind.QUIET]) / plan.rate * MICROSECONDS
        for kind in (Kind.FORGED, Kind.CHEAP)
    )
    return Figure(
        name="processor time a forged token",
        value=forged,
        unit="µs",
        control=Control("a cheap request", cheap),
        note=f"of the gateway; readers alone use {100 * shares[Kind.QUIET]:.0f} % of a core",
    )


def read_figures(plan: Plan, readers: Json, told: str) -> Iterator[Figure]:
    """What it has cost the readers."""
    reads, late = readers["reads"], by_kind(plan, readers["late"])
    spreads = by_kind(plan, reads)
    quiet, forged, cheap = spreads[Kind.QUIET], spreads[Kind.FORGED], spreads[Kind.CHEAP]
    blocks = median(block_ratios(plan, reads, Kind.FORGED))
    still = is_still(plan, readers)
    heard = "" if still else "machine too busy to tell; "
    yield Figure(
        name="p99 of other reads, forged tokens over quiet",
        value=forged.p99 / quiet.p99,
        unit="×",
        aim=RATIO_AIM if still else None,
        control=Control("cheap requests over quiet", cheap.p99 / quiet.p99),
        note=f"{heard}{quiet.count:,} reads each; median of 6 blocks × {blocks:.2f}; {told}",
    )
    for kind in (Kind.FORGED, Kind.CHEAP):
        yield from _millisecond_figures(kind, spreads[kind], quiet)
    yield Figure(
        name="timer of the readers late, p99, forged tokens",
        value=late[Kind.FORGED].p99 * MS,
        unit="ms",
        control=Control("quiet", late[Kind.QUIET].p99 * MS),
        note="what the machine adds, whatever the gateway does",
    )


def circumstances(plan: Plan, readers: Json, flood: Json, used_s: Mapping[str, float]) -> str:
    """What else is to be known of the rounds."""
    shares = {name: 100 * s / (plan.seconds + LEAD_S) for name, s in used_s.items()}
    took = {name: told["answered"]["p50"] * MS for name, told in flood.items()}
    return (
        f"flood answered in {took[Kind.FORGED.name]:.1f} ms, cheap in {took[Kind.CHEAP.name]:.1f}; "
        f"gateway {shares['gateway']:.0f} %, all else {shares[OTHERS]:.0f} % of a core; "
        f"{readers['live_count']} reads live"
    )


def read_live(gateway: Role) -> None:
    """Ask for live answers, which have to reach the services: the counting works."""
    with quiet_client(gateway.address) as http:
        http.headers.update({"X-Request-Id": LIVE_ID, SESSION_HEADER: LIVE_ID})
        shopper = Shopper(http)
        for number in range(LIVE_COUNT):
            shopper.order(f"o-{number + 1}", LIVE)


@contextmanager
def running_house(run: Run, folder: Path) -> Iterator[FloodedHouse]:
    """Services and a gateway with feeds and a memory of its own, inside the block."""
    keys, calls_path = make_key(), folder / "calls.json"
    ports = {name: free_address() for name in ("orders", "customers", "products")}
    serving = ("benchmarks.counted_services", str(folder / "services"), f"--out={calls_path}")
    given = (f"--{name}-port={port}" for name, (port, _) in ports.items())
    port, address = free_address()
    settings = {
        **{f"BFF_{name.upper()}_URL": url for name, (_, url) in ports.items()},
        "BFF_PORT": str(port),
        "BFF_LOG_FORMAT": "json",
        "BFF_ANONYMOUS": "everything",
        "BFF_TOKEN_KEYS": keys,
        "BFF_SUBJECT_HEADER": SESSION_HEADER,
    }
    profile = run.profile_of("flooded-gateway")
    profiled = () if profile is None else ("cProfile", "-o", str(profile), "-m")
    with ExitStack() as stack:
        services = stack.enter_context(role_running("services", (*serving, *given), folder))
        words = (*profiled, "gateway", "serve")
        gateway = stack.enter_context(role_running("gateway", words, folder, settings, address))
        eventually(lambda: is_ready(gateway), about="a ready gateway", within_s=START_LIMIT_S)
        yield FloodedHouse(folder, gateway, services, keys, calls_path)


def _millisecond_figures(kind: Kind, took_s: Spread, quiet: Spread) -> Iterator[Figure]:
    for name, value, control in (
        ("p50", took_s.p50, quiet.p50),
        ("p99", took_s.p99, quiet.p99),
    ):
        yield Figure(
            name=f"other reads beside {kind}, {name}",
            value=value * MS,
            unit="ms",
            control=Control("quiet", control * MS),
        )
