"""One run of measurements: where it keeps its files, how long it takes, and the servers it shares.

Kafka is started when the first measurement needs it: idle or not, it takes processor time.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from rich.progress import Progress

from benchmarks.kafkas import KafkaHere, Wanted, running_kafka

Watch = Callable[[float], None]
"""Tells how much of a piece of work is done."""

QUICK_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How much is measured.

    ``load_s``: of each load (s, default 20). ``warm_up_s``: of the same load before it, not counted
    (s, 3); ``kafka_warm_up_s``: where there is a Kafka, whose Java first compiles itself, at the
    cost of a core (s, 10).
    ``mutation_rate``: changes a second (500). ``backlog_count``: events to catch up with (200,000).
    ``step_s``: how long a rate is tried for (s, 10). ``minutes``: of the look at memory (1).
    ``row_s``: of each row of speed in each round (s, 3); ``round_count``: rounds (3);
    ``row_count``: rows held in Redis where there are many (1,000,000).
    """

    load_s: float = 20.0
    warm_up_s: float = 3.0
    kafka_warm_up_s: float = 10.0
    mutation_rate: float = 500.0
    backlog_count: int = 200_000
    step_s: float = 10.0
    minutes: float = 1.0
    row_s: float = 3.0
    round_count: int = 3
    row_count: int = 1_000_000
    is_quick: bool = False

    def quick(self) -> "Lengths":
        """A quarter of everything: to see that it works, not to be believed."""
        return Lengths(
            load_s=self.load_s * QUICK_SHARE,
            warm_up_s=1.0,
            kafka_warm_up_s=3.0,
            mutation_rate=self.mutation_rate,
            backlog_count=math.ceil(self.backlog_count * QUICK_SHARE),
            step_s=self.step_s * QUICK_SHARE * 2,
            minutes=self.minutes * QUICK_SHARE,
            row_s=0.5,
            round_count=2,
            row_count=10_000,
            is_quick=True,
        )


@dataclass(slots=True)
class Run:
    """What every measurement is given. Use it as a context: it ends what it started.

    ``folder`` is gone afterwards, ``out`` stays. ``is_published``: tables go where readers look.
    """

    folder: Path
    out: Path
    lengths: Lengths
    wanted_kafka: Wanted
    progress: Progress
    is_profiled: bool = False
    is_published: bool = False
    _servers: ExitStack = field(default_factory=ExitStack)
    _kafka: KafkaHere | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._servers.close()

    def kafka(self) -> KafkaHere:
        """The Kafka of this run, started at the first call."""
        if self._kafka is None:
            self._kafka = self._servers.enter_context(running_kafka(self.wanted_kafka))
        return self._kafka

    def room(self, name: str) -> Path:
        """A folder of its own for one measurement."""
        room = self.folder / name
        room.mkdir(parents=True)
        return room

    def profile_of(self, name: str) -> Path | None:
        """Where a process writes what it spent its time with; None: it is not asked to."""
        return self.out / f"{name}.profile" if self.is_profiled else None

    @contextmanager
    def watched(self, what: str, total: float) -> Iterator[Watch]:
        """A bar for one piece of work, gone when it is done."""
        task = self.progress.add_task(what, total=total)
        try:
            yield lambda done: self.progress.update(task, completed=min(done, total))
        finally:
            self.progress.remove_task(task)
