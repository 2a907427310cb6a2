"""Ours, the usual stack, and gateways on Node: what composition costs, and what failures do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.figures import Control, Figure, render
from benchmarks.peers import names
from benchmarks.peers.failures import FAULTS, Seen, look
from benchmarks.processes import MeasurementFailed
from benchmarks.runs import Run
from benchmarks.speed import asks
from benchmarks.speed.asks import Ask
from benchmarks.speed.bars import PEER_BARS, judged
from benchmarks.speed.closed_load import LATE_S
from benchmarks.speed.grounds import Grounds, Serving, open_grounds
from benchmarks.speed.measuring import Rounds
from benchmarks.speed.page import put_between, render_table
from benchmarks.speed.results import Results, Round, cpu_us, range_of
from benchmarks.speed.rows import PAGE_CONNECTION_COUNT, Row, Stand
from benchmarks.speed.world import World
from scripts.client_packages import install
from scripts.playground_assets import AssetsError

HERE: Final = Path(__file__).parent
MODULES: Final = Path(".data/peers")
FETCH_LIMIT_S: Final = 240.0
PAGE: Final = Path("docs/speed.md")
SMALL: Final = World(order_count=500, customer_count=500, product_count=1_000, list_count=1)
"""The world of failures, which is read to its end in no time."""

PROBE_COUNT: Final = 3
SLOW_CONNECTION_COUNT: Final = 8
NODE_WARM_UP_COUNT: Final = 3_000
"""By then V8 has compiled what it will compile."""

NOT_MEASURED: Final = "not measured"

Start = Callable[[Grounds], AbstractContextManager[Serving]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A gateway by its name: how it starts, and what it is asked.

    ``warm_up_count``: requests until it is as fast as it gets; a page counts as twenty.
    """

    name: str
    start: Start
    details: Ask = asks.NAIVE_DETAILS
    page: Ask = asks.NAIVE_PAGE
    warm_up_count: int = 0


def contenders(modules: Path) -> Sequence[Contender]:
    """All of them; ours is asked to compose."""

    def on_node(name: str, script: str) -> Contender:
        def start(grounds: Grounds) -> AbstractContextManager[Serving]:
            return grounds.node(script, HERE / f"{script}.js", modules)

        return Contender(name, start, warm_up_count=NODE_WARM_UP_COUNT)

    return (
        Contender(names.NAIVE, start_naive),
        on_node(names.APOLLO, "apollo"),
        on_node(names.YOGA, "yoga"),
        on_node(names.MERCURIUS, "mercurius"),
        Contender(
            names.OURS,
            lambda grounds: grounds.gateway(),
            asks.OUR_LIVE_DETAILS,
            asks.OUR_LIVE_PAGE,
        ),
    )


def start_naive(grounds: Grounds) -> AbstractContextManager[Serving]:
    return grounds.python("naive", "benchmarks.naive", "live", grounds.services.as_word())


def measure(run: Run) -> Iterator[Figure]:
    """Both tables; then they are written."""
    try:
        modules = install(
            MODULES, lock=HERE / "packages.lock", time_limit_s=FETCH_LIMIT_S
        ).resolve()
    except AssetsError as problem:
        raise MeasurementFailed(f"the peers' packages: {problem}") from problem
    all_of_them = contenders(modules)
    rounds = measured_rounds(run, all_of_them)
    yield from (figure_of(name, rounds.results) for name in rounds.results)
    yield from judged(rounds.results, PEER_BARS)
    failures = failure_table(seen_failures(run, all_of_them))
    publish(run, rounds.results, failures)
    if rounds.failures:
        raise MeasurementFailed("; ".join(rounds.failures))


def measured_rounds(run: Run, all_of_them: Sequence[Contender]) -> Rounds:
    """The details page and the page of a hundred, of everybody in turn."""
    folder = run.room("peers")
    rounds = Rounds(run, folder)
    with open_grounds(folder / "world", World()) as grounds:
        stands = [
            Stand(
                partial(one.start, grounds),
                grounds.services,
                (
                    Row(one.name, one.details, warm_up_count=one.warm_up_count),
                    Row(
                        names.page_of(one.name),
                        one.page,
                        PAGE_CONNECTION_COUNT,
                        warm_up_count=one.warm_up_count // 20,
                    ),
                ),
            )
            for one in all_of_them
        ]
        rounds.go(stands, grounds)
    return rounds


def seen_failures(
    run: Run, all_of_them: Sequence[Contender]
) -> Mapping[str, Mapping[str, Seen | Round | None]]:
    """What clients of each see, by fault; each server is a new one for each fault."""
    folder = run.room("failures")
    shown_projected = Contender(
        names.OURS_AS_IT_COMES, lambda grounds: grounds.gateway(), asks.NAIVE_DETAILS
    )
    seen: dict[str, dict[str, Seen | Round | None]] = {}
    rounds = Rounds(run, folder)
    everybody = (*all_of_them, shown_projected)
    with (
        open_grounds(folder / "world", SMALL) as grounds,
        run.watched("failures", len(everybody)) as watch,
    ):
        for number, one in enumerate(everybody):
            watch(number)
            ask = msgspec.structs.replace(one.details, count=SMALL.order_count)
            seen[one.name] = {
                **{fault: see(run, one, grounds, ask, fault) for fault in FAULTS},
                "slow": see_slow(rounds, one, grounds, ask),
            }
    return seen


def see(run: Run, one: Contender, grounds: Grounds, ask: Ask, fault: str) -> Seen:
    """With a server that was well until now."""
    probe_count = 1 if run.lengths.is_quick else PROBE_COUNT
    with one.start(grounds) as serving:
        for serial in range(PROBE_COUNT):
            look(serving, ask, [serial])
        grounds.services.strike(fault)
        try:
            return look(serving, ask, range(PROBE_COUNT, PROBE_COUNT + probe_count))
        finally:
            grounds.services.strike("none")


def see_slow(rounds: Rounds, one: Contender, grounds: Grounds, ask: Ask) -> Round | None:
    """Under a small load, of whose product calls one in a hundred takes a second."""
    row = Row(one.name, ask, SLOW_CONNECTION_COUNT, warm_up_count=100, least_count=400)
    with one.start(grounds) as serving:
        grounds.services.strike("slow")
        try:
            return rounds.measure(grounds.services, row, ask, serving)
        except MeasurementFailed as failed:
            rounds.note(f"{one.name}: {failed}")
            return None
        finally:
            grounds.services.strike("none")


def failure_table(seen: Mapping[str, Mapping[str, Seen | Round | None]]) -> str:
    """A line for each gateway, a column for each fault of the product service."""
    heads = ["the product service …", *FAULTS.values(), "is slow (1 s) for 1 % of calls"]
    lines = [heads, ["---"] * len(heads)]
    lines += [[name, *map(cell, by_fault.values())] for name, by_fault in seen.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(seen: Seen | Round | None) -> str:
    """What a client saw."""
    if seen is None:
        return NOT_MEASURED
    if isinstance(seen, Seen):
        return str(seen)
    late = seen.account.late_count / seen.account.request_count
    return f"p50 {render(seen.p50_ms)} ms, {late:.1%} over {LATE_S:g} s"


def figure_of(name: str, results: Results) -> Figure:
    """What a request costs, beside the usual stack's."""
    rounds = results[name]
    cpu = range_of(rounds, cpu_us)
    calls = ", ".join(f"{service} {each:.2f}" for service, each in rounds[-1].calls.items())
    return Figure(
        name=f"CPU a request: {name}",
        value=cpu.median,
        unit="µs",
        control=Control("naive", range_of(results[naive_of(name)], cpu_us).median),
        note=f"{cpu} in {len(rounds)} rounds; calls: {calls}",
    )


def naive_of(name: str) -> str:
    """The row of the usual stack that is beside this one."""
    return names.page_of(names.NAIVE) if name.startswith(names.PAGE) else names.NAIVE


def publish(run: Run, results: Results, failures: str) -> None:
    """Write both tables: where readers look, or beside the figures of this run."""
    table = render_table(results, {name: naive_of(name) for name in results})
    if run.is_published:
        page = put_between(PAGE.read_text(), "peers", table)
        PAGE.write_text(put_between(page, "failures", failures))
    else:
        (run.out / "peers.md").write_text(f"{table}\n{failures}")
