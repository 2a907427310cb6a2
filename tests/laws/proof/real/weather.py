"""Faults one after the other, in two lanes at once, until the sessions are done.

Each lane keeps to its own parts of the house, so that two faults may meet, and no two of them have
the same process in hand. What comes next, how long it lasts and how long it stays away afterwards
is drawn from the seed; at which operation it meets a session, is not.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.laws.proof.real.faults import OF_OWNERS_AND_GATEWAYS, OF_THE_PROJECTION, RARE, Fault

LANES: Final = (OF_THE_PROJECTION, OF_OWNERS_AND_GATEWAYS)
LASTS_S: Final = (0.3, 3.5)
STAYS_AWAY_S: Final = (0.3, 2.0)
RARELY: Final = 0.15


@dataclass(frozen=True, slots=True)
class Weather:
    """What strikes the house. ``struck`` counts each fault; ``is_over`` ends all of them."""

    house: DistributedHouse
    seed: int
    struck: Counter[str] = field(default_factory=Counter)
    is_over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def blowing(self) -> Iterator[None]:
        """Faults strike inside the block; after it everything is mended."""
        with ThreadPoolExecutor(len(LANES)) as threads:
            lanes = [
                threads.submit(self._strike, faults, Random(f"{self.seed} lane {number}"))
                for number, faults in enumerate(LANES)
            ]
            try:
                yield
            finally:
                self.is_over.set()
        for lane in lanes:
            lane.result()

    def _strike(self, faults: Sequence[Fault], random: Random) -> None:
        """One lane, until all is over; if it fails, all is."""
        try:
            for fault in drawn(faults, random):
                if self.is_over.wait(random.uniform(*STAYS_AWAY_S)):
                    return
                with fault(self.house, random):
                    self.struck[fault.__name__] += 1
                    self.is_over.wait(random.uniform(*LASTS_S))
        finally:
            self.is_over.set()


def drawn(faults: Sequence[Fault], random: Random) -> Iterator[Fault]:
    """Faults without end: each comes once before any comes again, rare ones now and then."""
    while True:
        for fault in random.sample(faults, len(faults)):
            if fault not in RARE or random.random() < RARELY:
                yield fault
