"""What a page costs while a service, or two, are dead: who waits, for how long, and what is shown.

Pages are read at a steady pace; then services are struck: connections are dropped, or every request
hangs. *Opens*: from the stroke to the last page that has to wait before one is told at once that a
circuit is open. *Waiting*: of the pages after that, those that take over a tenth of a second, as
probes do. *Slower*: their 99th percentile, less that of the pages before the stroke, which is the
control.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.fault_house import FaultHouse, running_house
from benchmarks.fault_reader import Sample, samples_of
from benchmarks.figures import AtLeast, AtMost, Control, Figure
from benchmarks.processes import MeasurementFailed, accounted
from benchmarks.runs import Run
from benchmarks.spread import spread

RATE: Final = 40.0
WELL_S: Final = 5.0
WAITING_S: Final = 0.1
OPEN: Final = "CIRCUIT_OPEN"
DEAD: Final = (("customers",), ("products",), ("customers", "products"))
HOW: Final = {
    "refuse connections": {"path": "/", "refuse": True},
    "hang": {"path": "/", "hang": True},
}
NOTHING_STANDS_IN: Final = {"BFF_STALE_IF_ERROR_S": "0", "BFF_LIVE_REVALIDATE_MS": "0"}
"""So that each page that was refused is seen to be."""

MS: Final = 1_000
PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Stroke:
    """Pages before and after the moment (wall clock, s) at which services were struck."""

    pages: Sequence[Sample]
    struck_at_s: float

    @property
    def well(self) -> list[Sample]:
        return [page for page in self.pages if page.began_at_s + page.took_s < self.struck_at_s]

    @property
    def struck(self) -> list[Sample]:
        return [page for page in self.pages if page.began_at_s >= self.struck_at_s]

    @property
    def opened_at_s(self) -> float:
        """When the first page was asked for that was told of an open circuit at once.

        Raises `MeasurementFailed` where none was.
        """
        for page in self.struck:
            if OPEN in page.codes and page.took_s < WAITING_S:
                return page.began_at_s
        raise MeasurementFailed("no circuit has opened")

    @property
    def open(self) -> list[Sample]:
        return [page for page in self.struck if page.began_at_s >= self.opened_at_s]


def measure(run: Run) -> Iterator[Figure]:
    """Every one of `DEAD`, in every way of `HOW`."""
    with running_house(run, "dead-services", NOTHING_STANDS_IN) as house:
        for dead in DEAD:
            for how, rule in HOW.items():
                stroke = strike(run, house, dead, rule)
                name, recovery = f"{' and '.join(dead)} {how}", house.mend()
                yield from figures_of(name, stroke)
                yield Figure(
                    name=f"{name}: whole again, after the break",
                    value=recovery.took_s - recovery.announced_s,
                    unit="s",
                    aim=AtMost(1.0),
                    note=f"{recovery.took_s:.1f} s after the service",
                )


def strike(run: Run, house: FaultHouse, dead: Sequence[str], rule: dict[str, object]) -> Stroke:
    """Read pages, and strike in the midst of it."""
    seconds = WELL_S + run.lengths.load_s
    words = (
        *("benchmarks.fault_reader", f"--gateway={house.gateway.address}", "--query=page"),
        *("--request-id=pages", f"--rate={RATE}", f"--seconds={seconds}"),
    )
    with (
        run.watched(" and ".join(dead), seconds),
        accounted(words, house.folder, within_s=seconds + 60) as reader,
    ):
        time.sleep(WELL_S)
        struck_at_s = time.time()
        house.strike(*dead, rule=rule)
    return Stroke(samples_of(reader.told), struck_at_s)


def figures_of(name: str, stroke: Stroke) -> Iterator[Figure]:
    """How long until it opened, and what pages are like from then on."""
    before = spread(page.took_s for page in stroke.well)
    after = spread(page.took_s for page in stroke.open)
    waiting = sum(page.took_s > WAITING_S for page in stroke.open)
    whole = sum(page.has_order for page in stroke.struck)
    yield Figure(
        name=f"{name}: circuit opens after",
        value=stroke.opened_at_s - stroke.struck_at_s,
        unit="s",
        aim=AtMost(1.0),
        note=f"{RATE:.0f} pages a second",
    )
    yield Figure(
        name=f"{name}: pages that wait then",
        value=PERCENT * waiting / len(stroke.open),
        unit="%",
        aim=AtMost(1.0),
        note=f"{waiting} of {len(stroke.open):,} take over {WAITING_S * MS:.0f} ms",
    )
    yield Figure(
        name=f"{name}: p99 slower by",
        value=(after.p99 - before.p99) * MS,
        unit="ms",
        aim=AtMost(20.0),
        control=Control("all well, p99", before.p99 * MS),
    )
    yield Figure(
        name=f"{name}: pages with their order",
        value=PERCENT * whole / len(stroke.struck),
        unit="%",
        aim=AtLeast(100.0),
    )
