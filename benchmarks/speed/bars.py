"""The bars of speed, in one table: what is held to what, and which ratio is enough."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import Aim, AtLeast, AtMost, Exactly, Figure
from benchmarks.peers import names
from benchmarks.speed import rows
from benchmarks.speed.results import Measure, Range, Results, cpu_us, p50_ms, ratio_of


@dataclass(frozen=True, slots=True)
class Bar:
    """``measure`` of the row ``over``, divided by that of the row ``under``, is as ``aim`` says.

    ``stretch``: what would be better still; told, and nothing more.
    """

    name: str
    over: str
    under: str
    measure: Measure
    aim: Aim | None
    stretch: Aim | None = None


@dataclass(frozen=True, slots=True)
class CallBar:
    """So many calls of each service a request of this row."""

    name: str
    row: str
    aim: Aim


BARS: Final[Sequence[Bar]] = (
    Bar(
        "projection: CPU, naive over ours",
        *(rows.NAIVE_PROJECTION, rows.PROJECTION, cpu_us, AtLeast(30)),
    ),
    Bar(
        "projection, no answer kept: CPU, naive over ours",
        *(rows.NAIVE_PROJECTION, rows.UNKEPT, cpu_us, AtLeast(30)),
    ),
    Bar(
        "projection, a thousand orders: CPU, ours over raw ASGI",
        *(rows.HOT, rows.RAW, cpu_us, AtMost(2.0), AtMost(1.3)),
    ),
    Bar(
        "live: CPU, naive over ours",
        *(rows.NAIVE_LIVE, rows.LIVE, cpu_us, AtLeast(40), AtLeast(60)),
    ),
    Bar("p50, live over projection", rows.LIVE, rows.UNKEPT, p50_ms, AtLeast(5)),
    Bar(
        "full telemetry: CPU, with over without",
        *(rows.UNKEPT, rows.UNMETERED, cpu_us, AtMost(1.05)),
    ),
    Bar("p50, many rows held over few", rows.MANY_ROWS, rows.FEW_ROWS, p50_ms, AtMost(1.2)),
    Bar("p50, 5,000 waiters over 1", rows.MANY_WAIT, rows.ONE_WAITS, p50_ms, AtMost(1.2)),
)
PEER_BARS: Final[Sequence[Bar]] = (
    *(
        Bar(
            f"100 orders: CPU, {name} over ours",
            *(names.page_of(name), names.page_of(names.OURS), cpu_us, AtLeast(1)),
        )
        for name in names.ON_NODE
    ),
    Bar(
        f"live: CPU, {names.MERCURIUS} over ours",
        *(names.MERCURIUS, names.OURS, cpu_us, None, AtLeast(1)),
    ),
)
"""Beside gateways on Node, in a run of their own."""

CALL_BARS: Final[Sequence[CallBar]] = (
    CallBar("100 orders: calls of each service a page", rows.LIVE_PAGE, Exactly(1)),
)


def judged(results: Results, bars: Sequence[Bar] = BARS) -> Iterator[Figure]:
    """A figure for each of the bars, and of those of calls, whose rows were measured."""
    for bar in bars:
        ratio = ratio_of(results, bar.over, bar.under, bar.measure)
        if ratio is not None:
            yield _figure(bar, ratio, len(results[bar.over]))
    for call_bar in CALL_BARS:
        if call_bar.row in results:
            yield _figure_of_calls(call_bar, results)


def unjudged(results: Results) -> Sequence[str]:
    """The bars of which nothing can be said, since a row is missing."""
    measured = {name for name, rounds in results.items() if rounds}
    return [
        *(bar.name for bar in BARS if not {bar.over, bar.under} <= measured),
        *(bar.name for bar in CALL_BARS if bar.row not in measured),
    ]


def _figure(bar: Bar, ratio: Range, round_count: int) -> Figure:
    stretch = "" if bar.stretch is None else f"; stretch {bar.stretch}"
    return Figure(
        name=bar.name,
        value=ratio.median,
        unit="×",
        aim=bar.aim,
        note=f"{ratio} in {round_count} rounds{stretch}",
    )


def _figure_of_calls(bar: CallBar, results: Results) -> Figure:
    """Of the service that is called most; a call that was hedged or made again counts too."""
    told = [one.calls for one in results[bar.row]]
    by_service = {name: max(calls[name] for calls in told) for name in told[0]}
    return Figure(
        name=bar.name,
        value=round(max(by_service.values()), 2),
        unit="calls",
        aim=bar.aim,
        note=", ".join(f"{name} {count:.2f}" for name, count in by_service.items()),
    )
