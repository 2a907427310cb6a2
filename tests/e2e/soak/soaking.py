"""A soak: storms and calms by turns, a steady crowd in the storms, and what is left in the calms.

In a calm everybody has left and every service is well, so nothing may be held that was not held
before the first storm.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Event
from typing import Final

from benchmarks.trend import Trend
from tests.e2e.session_history import Broken
from tests.e2e.soak.samples import Sample, grows, memory_trend, most
from tests.e2e.soak.soaked_house import SoakedHouse
from tests.e2e.soak.strikes import Strike, strikes
from tests.e2e.soak.visitor import Visitor

VISITOR_COUNT: Final = 10
FIRST_CUSTOMER: Final = 101
RESTING_COUNT: Final = 4
"""Samples of which the most is the resting level: what comes and goes at rest is in one of them."""

OnProgress = Callable[[str, float], object]
"""Is told what is going on, and how much of the soak is over (s)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long (s), in storms of what length (s), and what the chances follow from.

    ``rest_within_s``: what is held for longer after a storm (s) is taken for a leak.
    """

    seed: int = 1
    seconds: float = 600.0
    storm_s: float = 30.0
    warm_up_s: float = 10.0
    rest_within_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Calm:
    """A gateway after a storm: how long until all was well (s), and what it still holds."""

    recovered_s: float
    sample: Sample
    left: Mapping[str, int]


@dataclass(slots=True)
class Soaked:
    """What came of a soak."""

    plan: Plan
    rest: Mapping[str, int] = field(default_factory=dict)
    calms: list[Calm] = field(default_factory=list)
    struck: list[Strike] = field(default_factory=list)
    visitors: list[Visitor] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    @property
    def leaks(self) -> list[str]:
        """What was left behind, calm by calm."""
        return [
            f"calm {number}: {count} more of: {name}"
            for number, calm in enumerate(self.calms, 1)
            for name, count in calm.left.items()
        ]

    @property
    def failures(self) -> list[str]:
        """What must never be answered, and was."""
        return [f"{v.name}: {failure}" for v in self.visitors for failure in v.failures]

    @property
    def untruths(self) -> list[str]:
        """Answers that are not true of themselves."""
        return [f"{v.name}: {untruth}" for v in self.visitors for untruth in v.untruths]

    @property
    def broken(self) -> Counter[Broken]:
        """The promises to sessions that were broken."""
        return sum((visitor.broken for visitor in self.visitors), Counter())

    @property
    def peaks(self) -> dict[str, int]:
        """The most of everything that was held at any time."""
        return most(self.samples)

    @property
    def trend(self) -> Trend | None:
        """What becomes of resident memory, at rest."""
        return memory_trend([calm.sample for calm in self.calms])

    @property
    def is_sound(self) -> bool:
        """Whether nothing has leaked, grown, failed or been broken."""
        grown = self.trend is not None and grows(self.trend)
        return not (self.leaks or self.failures or self.untruths or self.broken or grown)


def soak(house: SoakedHouse, plan: Plan, on_progress: OnProgress = lambda *_: None) -> Soaked:
    """Soak the house; the last calm ends it, somewhat after its time."""
    soaked = Soaked(plan, visitors=visitors_of(house, plan.seed))
    began_s = time.monotonic()
    striking = strikes(Random(plan.seed))

    def tell(what: str) -> None:
        on_progress(what, min(time.monotonic() - began_s, plan.seconds))

    tell("warming up")
    with crowd(soaked.visitors):
        time.sleep(plan.warm_up_s)
    house.recover()
    soaked.rest = most([house.rest(), *house.samples()[-RESTING_COUNT:]])
    while time.monotonic() - began_s < plan.seconds:
        with crowd(soaked.visitors):
            for strike in storm(house, striking, plan.storm_s):
                soaked.struck.append(strike)
                tell(f"{' and '.join(strike.services)}: {strike.kind}")
        tell("calm")
        recovered_s = house.recover()
        left = house.back_at_rest(soaked.rest, within_s=plan.rest_within_s)
        soaked.calms.append(Calm(recovered_s, *left))
    soaked.samples = house.samples()
    return soaked


def storm(house: SoakedHouse, striking: Iterator[Strike], seconds: float) -> Iterator[Strike]:
    """Strike the services, one time after the other; each is told when it begins."""
    ends_s = time.monotonic() + seconds
    try:
        while time.monotonic() < ends_s:
            strike = next(striking)
            time.sleep(strike.after_s)
            for service in strike.services:
                house.strike(service, strike.rule(service))
            yield strike
            time.sleep(strike.lasts_s)
            house.mend()
    finally:
        house.mend()


@contextmanager
def crowd(visitors: list[Visitor]) -> Iterator[None]:
    """All visit inside the block, each in a thread of her own; after it all have left."""
    is_over = Event()
    with ThreadPoolExecutor(len(visitors)) as threads:
        visits = [threads.submit(visitor.visit, is_over) for visitor in visitors]
        try:
            yield
        finally:
            is_over.set()
        for visit in visits:
            visit.result()


def visitors_of(house: SoakedHouse, seed: int) -> list[Visitor]:
    """Visitors who have not been here yet."""
    return [
        Visitor(
            house.gateway.address,
            f"visitor-{number}",
            f"c-{FIRST_CUSTOMER + number}",
            Random(f"{seed} {number}"),
        )
        for number in range(VISITOR_COUNT)
    ]
