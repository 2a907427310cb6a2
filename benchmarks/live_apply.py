"""Applying from Kafka into Redis: how fast one projector process is, and what an event costs.

*Catch-up*: a backlog lies in the topics (6 partitions each; 570 bytes an event; 7 orders to 2
customers to 1 product, every event the next version of its row) when `bff project` starts; events
a second from the first sign of progress in Redis to the last event.

*Live*: events come at a fixed rate while the projector runs. A rate is sustained when the writer
kept it, the lag did not grow over the second half of the time (least squares, less than 2 % of the
rate) and was under half a second of events on average there. The figure is the highest rate
sustained of those that were tried: the aim first, then steps of a fifth up or down.

*Processor time per 1,000 events*, of projector and servers, while catching up.

Control: the same client reading the same backlog in one process, doing nothing with it.
"""

import time
from collections.abc import Callable, Iterator
from statistics import fmean
from typing import Final

from benchmarks.event_bench import WRITE_LIMIT_S, Applied, EventBench, opened_bench
from benchmarks.figures import AtLeast, Control, Figure
from benchmarks.houses import projector_running
from benchmarks.processes import OTHERS, CpuMeter, accounted
from benchmarks.runs import Run
from benchmarks.trend import Sample, trend_of
from benchmarks.waiting import wait_watching
from tests.e2e.distributed.roles import Role

LIVE_AIM: Final = AtLeast(10_000)
LIVE_RATES: Final = (500, 1000)
CATCH_UP_AIM: Final = AtLeast(10)
STEP: Final = 1.2
TRY_LIMIT: Final = 6
GROWTH_LIMIT_RATIO: Final = 0.02
LAG_LIMIT_S: Final = 0.5
LATE_LIMIT_S: Final = 0.25
MS: Final = 1000


def measure(run: Run) -> Iterator[Figure]:
    """Backlog, control, catch-up, then live rates."""
    with opened_bench(run, "apply") as bench:
        bench.write_backlog()
        control = Control("read alone", bench.read_barely())
        profile = run.profile_of("apply")
        with projector_running(bench.folder, bench.settings, profile) as projector:
            pids = {"projector": projector.process.pid, **bench.server_pids}
            applied = bench.wait_applied("catch-up", projector, pids)
            yield from catch_up_figures(bench, applied, control)
            if not run.is_profiled:
                yield live_figure(bench, projector, control)


def catch_up_figures(bench: EventBench, applied: Applied, control: Control) -> Iterator[Figure]:
    """What the backlog has shown."""
    yield Figure(
        name="catch-up",
        value=applied.rate,
        unit="events/s",
        control=control,
        note=bench.circumstances(applied),
    )
    for live_rate in LIVE_RATES:
        yield Figure(
            name=f"catch-up over a live rate of {live_rate:,}/s",
            value=applied.rate / live_rate,
            unit="×",
            aim=CATCH_UP_AIM,
        )
    yield from cost_figures("catch-up", applied)


def cost_figures(what: str, applied: Applied) -> Iterator[Figure]:
    """The processor time of each process of the measurement."""
    for name, used_s in applied.used_s.items():
        if name == OTHERS:
            continue
        yield Figure(
            name=f"{what}, processor time per 1,000 events: {name}",
            value=used_s / applied.event_count * 1000 * MS,
            unit="ms",
            note=f"{100 * used_s / applied.took_s:.0f} % of a core",
        )


def live_figure(bench: EventBench, projector: Role, control: Control) -> Figure:
    """Try the aim, then go up or down until the highest sustained rate is known."""
    tried: list[str] = []

    def is_sustained(rate: float) -> bool:
        is_kept, told = try_rate(bench, projector, rate)
        tried.append(f"{rate:,.0f}/s {'kept' if is_kept else 'not kept'} ({told})")
        return is_kept

    sustained = highest(is_sustained, LIVE_AIM.bound)
    return Figure(
        name="live apply, sustained",
        value=sustained,
        unit="events/s",
        aim=LIVE_AIM,
        control=control,
        note="; ".join(tried),
    )


def highest(is_sustained: Callable[[float], bool], first: float) -> float:
    """The highest of the tried rates that is sustained: steps of a fifth up or down from the first.

    0 if none of them is. At most `TRY_LIMIT` are tried.

    >>> highest(lambda rate: rate < 15_000, 10_000)
    14400.0
    >>> round(highest(lambda rate: rate < 8_000, 10_000))
    6944
    """
    rate, sustained = first, 0.0
    for _ in range(TRY_LIMIT):
        if is_sustained(rate):
            sustained = rate
            if rate < first:
                break
            rate *= STEP
        elif sustained:
            break
        else:
            rate /= STEP
    return sustained


def try_rate(bench: EventBench, projector: Role, rate: float) -> tuple[bool, str]:
    """Whether the projector keeps up with this rate, and how that showed."""
    before_count, count = bench.written_count, round(rate * bench.run.lengths.step_s)
    samples: list[Sample] = []
    meter = CpuMeter({"projector": projector.process.pid, **bench.server_pids})
    words = bench.writer_words(count, rate)
    with accounted(words, bench.folder, within_s=WRITE_LIMIT_S) as writer:
        wait_watching(
            bench.run,
            f"live at {rate:,.0f}/s",
            writer,
            count / rate,
            look=lambda: samples.append((time.time(), bench.gauge.applied_count() - before_count)),
        )
    used_s = meter.used_s()
    bench.note_written(count, writer.told)
    bench.wait_applied("the rest", projector)
    busy = ", ".join(f"{name} {100 * s * rate / count:.0f} %" for name, s in used_s.items())
    is_kept, told = judge(lag_of(samples, writer.told["started_at_s"], rate, count), rate)
    if (late_s := writer.told["late_s"]["p99"]) > LATE_LIMIT_S:
        return False, f"the writer was {late_s:.2f} s late; of a core: {busy}"
    return is_kept, f"{told}; of a core: {busy}"


def lag_of(applied: list[Sample], started_at_s: float, rate: float, count: int) -> list[Sample]:
    """What was due and not applied, at every sample while the writer wrote."""
    ended_at_s = started_at_s + count / rate
    return [
        (at_s, (at_s - started_at_s) * rate - applied_count)
        for at_s, applied_count in applied
        if started_at_s <= at_s <= ended_at_s
    ]


def judge(lag: list[Sample], rate: float) -> tuple[bool, str]:
    """Whether the lag stays bounded at this rate, and in what words."""
    second_half = lag[len(lag) // 2 :]
    growth, mean = trend_of(second_half).slope, fmean(count for _, count in second_half)
    is_kept = growth <= GROWTH_LIMIT_RATIO * rate and mean <= LAG_LIMIT_S * rate
    return is_kept, f"lag {mean:,.0f} events, growing {growth:,.0f}/s"
