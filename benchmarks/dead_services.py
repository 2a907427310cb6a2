"""What a page costs and shows while a service, or two, are dead, once their circuits are open.

Pages are read at a steady pace; then services are struck: connections are dropped, or every request
hangs. Without orders there is no page to compose, so there a projection stands in: it dies with its
service's feed and is shown past its budget. The control of the time is the same house while all was
well; that of the page is a house in which nothing stands in.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmarks.fault_house import (
    CONNECTIONS_DROP,
    HANGS,
    NOTHING_STANDS_IN,
    SERVICES,
    running_house,
)
from benchmarks.fault_samples import Sample, samples_of
from benchmarks.figures import AtLeast, AtMost, Control, Figure
from benchmarks.processes import Json
from benchmarks.runs import Run
from benchmarks.spread import spread
from benchmarks.strokes import WAITING_S, Stroke, percent, waiting
from tests.servers.kafka import unique

RATE: Final = 40.0
WELL_S: Final = 5.0
COMPOSED: Final = (("customers",), ("products",), ("customers", "products"))
PROJECTED: Final = (("orders",), ("orders", "customers"), ("orders", "products"))
HOW: Final[Mapping[str, Json]] = {"refuse connections": CONNECTIONS_DROP, "hang": HANGS}
PROJECTION_STANDS_IN: Final = {"BFF_EVENTS": "feed", "BFF_LIVE_REVALIDATE_MS": "0"}
BUDGET_S: Final = 3.0
"""For which the projection is shown as if nothing were wrong."""

MS: Final = 1_000


def measure(run: Run) -> Iterator[Figure]:
    """Every one and every two of the services, in every way of `HOW`; each in a house of its own.

    Of its own, because breaks grow with each repetition.
    """
    for dead in COMPOSED:
        for how, rule in HOW.items():
            stroke = strike(run, dead, rule, NOTHING_STANDS_IN)
            yield from costs(f"{' and '.join(dead)} {how}", stroke)
            yield completeness(f"{' and '.join(dead)} {how}", stroke, well_parts(dead))
    bare = strike(run, ("orders",), CONNECTIONS_DROP, NOTHING_STANDS_IN)
    nothing = Control("nothing stands in", percent(complete(bare.struck, SERVICES), bare.struck))
    for dead in PROJECTED:
        for how, rule in HOW.items():
            stroke = strike(run, dead, rule, PROJECTION_STANDS_IN, for_s=BUDGET_S)
            yield from costs(f"{' and '.join(dead)} {how}", stroke)
            yield completeness(f"{' and '.join(dead)} {how}", stroke, SERVICES, nothing)


def strike(
    run: Run, dead: Sequence[str], rule: Json, settings: Mapping[str, str], *, for_s: float = 0.0
) -> Stroke:
    """Read pages of a new house, and strike in the midst of it; ``for_s``: so much longer."""
    seconds = WELL_S + run.lengths.load_s + for_s
    with (
        running_house(run, unique("-".join(dead)), settings) as house,
        house.reading(run, "page", rate=RATE, seconds=seconds) as reader,
    ):
        time.sleep(WELL_S)
        struck_at_s = time.time()
        house.strike(*dead, rule=rule)
    return Stroke(samples_of(reader.told), dead, struck_at_s)


def well_parts(dead: Sequence[str]) -> list[str]:
    """The services that are well."""
    return [service for service in SERVICES if service not in dead]


def complete(pages: Sequence[Sample], parts: Sequence[str]) -> int:
    """How many of them show all these parts, and tell with a code of what they do not show."""
    return sum(
        set(parts) <= set(page.shown) and (bool(page.codes) or len(page.shown) == len(SERVICES))
        for page in pages
    )


def costs(name: str, stroke: Stroke) -> Iterator[Figure]:
    """What pages are like once all circuits are open."""
    before, slow_count = spread(page.took_s for page in stroke.well), waiting(stroke.open)
    yield Figure(
        name=f"{name}: pages that wait, once open",
        value=percent(slow_count, stroke.open),
        unit="%",
        aim=AtMost(1.0),
        control=Control("all well", percent(waiting(stroke.well), stroke.well)),
        note=f"{slow_count} of {len(stroke.open):,} take over {WAITING_S * MS:.0f} ms; open after "
        f"{stroke.opened_after_s:.2f} s; {RATE:.0f} pages/s",
    )
    if stroke.open:
        yield Figure(
            name=f"{name}: p99 slower by, once open",
            value=(spread(page.took_s for page in stroke.open).p99 - before.p99) * MS,
            unit="ms",
            aim=AtMost(20.0),
            control=Control("all well, p99", before.p99 * MS),
        )


def completeness(
    name: str, stroke: Stroke, parts: Sequence[str], control: Control | None = None
) -> Figure:
    """Of the pages from the stroke on, who show these parts, and a code for each other."""
    return Figure(
        name=f"{name}: pages with all but the dead, and a code",
        value=percent(complete(stroke.struck, parts), stroke.struck),
        unit="%",
        aim=AtLeast(100.0),
        control=control,
        note=f"{', '.join(parts)}: {len(stroke.struck):,} pages",
    )
