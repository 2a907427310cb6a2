"""What a token costs who reads: waiting for the projection, and carrying a token at all.

*Wait overhead*: a hundred waiters stand in the gateway's process for the next version of their
aggregate, while 500 changes/s come. From the instant at which that process hears the announcement
of it to the instant at which the waiter goes on; of those who were waiting when it was heard.

*Token overhead*: an order read by one client ten times a second, three times in a row: plain, with
the token of a write just made (which has to wait for the projection or, past the cap, goes live),
and with the token that came with that answer (for which there is nothing to wait). Medians and 99th
percentiles compared with those of the plain read, which is the control.
"""

from collections.abc import Iterator
from typing import Final

from benchmarks.commit_to_visible import told_of
from benchmarks.figures import AtMost, Control, Figure
from benchmarks.houses import Column, House, running_house
from benchmarks.listening_gateway import Notes
from benchmarks.processes import CpuMeter, Json, accounted
from benchmarks.runs import Run
from benchmarks.spread import spread
from benchmarks.token_reader import KINDS
from benchmarks.waiting import wait_watching

WAITER_COUNT: Final = 100
WAIT_AIM_MS: Final = AtMost(5.0)
READ_SHARE: Final = 0.2
"""Of the rate of changes, while whole reads are timed: what they measure is not the queue for a
processor."""

MS: Final = 1000
PLAIN, AFTER_WRITE, CARRIED = KINDS


def measure_embedded(run: Run) -> Iterator[Figure]:
    """Feeds into the memory of the gateway."""
    yield from measure(run, "embedded")


def measure_distributed(run: Run) -> Iterator[Figure]:
    """Announcements over Redis."""
    yield from measure(run, "distributed")


def measure(run: Run, column: Column) -> Iterator[Figure]:
    """Waiters under load first; then whole reads, with little load and no waiters."""
    lengths = run.lengths
    with running_house(run, column, run.room(f"waits-{column}"), waiters=WAITER_COUNT) as house:
        warm_up_s, seconds = house.warm_up_s(lengths), lengths.load_s
        meter = CpuMeter(house.all_pids())
        with house.loaded(
            seconds=seconds, mutations=lengths.mutation_rate, warm_up_s=warm_up_s
        ) as load:
            wait_watching(run, f"waits, {column}", load, warm_up_s + seconds)
        circumstances = told_of(load.told, meter.used_s(), warm_up_s + seconds)
        notes = house.end_gateway()
    yield from wait_figures(column, notes, circumstances)
    with running_house(run, column, run.room(f"token-reads-{column}")) as house:
        yield from read_figures(column, reads_of(run, house))


def wait_figures(column: Column, notes: Notes, circumstances: str) -> Iterator[Figure]:
    """How long after the announcement waiters went on."""
    delays, alarm = spread(notes.released_s), spread(notes.alarm_late_s)
    told = f"{delays.count:,} waits, {notes.timeout_count} in vain; {circumstances}"
    yield Figure(
        name=f"wait overhead p50, {column}",
        value=delays.p50 * MS,
        unit="ms",
        control=Control("a timer", alarm.p50 * MS),
    )
    yield Figure(
        name=f"wait overhead p99, {column}",
        value=delays.p99 * MS,
        unit="ms",
        aim=WAIT_AIM_MS,
        control=Control("a timer", alarm.p99 * MS),
        note=told,
    )


def reads_of(run: Run, house: House) -> Json:
    """The account of one client's reads, under some load of changes."""
    seconds = run.lengths.load_s
    words = (
        *("benchmarks.token_reader", f"--gateway={house.gateway.address}"),
        f"--seconds={seconds}",
    )
    with (
        house.loaded(seconds=seconds, mutations=READ_SHARE * run.lengths.mutation_rate),
        accounted(words, house.folder, within_s=seconds + 60) as reader,
    ):
        wait_watching(run, f"reads with tokens, {house.column}", reader, seconds)
    return reader.told


def read_figures(column: Column, told: Json) -> Iterator[Figure]:
    """What the token adds to a read."""
    took_s, sources = told["took_s"], told["sources"]
    where = ", ".join(f"{source} {count}" for source, count in sorted(sources.items()))
    for kind, note in ((CARRIED, ""), (AFTER_WRITE, f"answered from {where}")):
        for share in ("p50", "p99"):
            yield Figure(
                name=f"read, {kind}, {share}, {column}",
                value=took_s[kind][share] * MS,
                unit="ms",
                control=Control("plain", took_s[PLAIN][share] * MS),
                note=note,
            )
