"""Kafka, Redis and a stream of made-up events between them: what applying is measured on."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.demo_events import SOURCES
from benchmarks.houses import distributed_settings, server_pids
from benchmarks.kafkas import MOCK_EVENT_LIMIT, PARTITION_COUNT, KafkaHere
from benchmarks.processes import OTHERS, CpuMeter, Json, MeasurementFailed, accounted
from benchmarks.projected import Gauge
from benchmarks.runs import Run
from benchmarks.waiting import wait_watching
from tests.e2e.distributed.roles import Role
from tests.servers.kafka import unique
from tests.servers.valkey import running_valkey

WRITE_LIMIT_S: Final = 120.0
APPLY_LIMIT_S: Final = 300.0
LOOK_EVERY_S: Final = 0.05
NO_PIDS: Final[Mapping[str, int]] = {}
GUESSED_RATE: Final = 40_000
"""Events a second, for the progress bar of what is quick."""


@dataclass(frozen=True, slots=True)
class Applied:
    """How so many events were applied, and what processor time that took (s), by process."""

    event_count: int
    took_s: float
    used_s: Mapping[str, float]

    @property
    def rate(self) -> float:
        return self.event_count / self.took_s


@dataclass(slots=True)
class EventBench:
    """Servers, topics and settings; ``written_count`` events are in Kafka."""

    run: Run
    folder: Path
    kafka: KafkaHere
    suffix: str
    settings: Mapping[str, str]
    gauge: Gauge
    server_pids: Mapping[str, int]
    written_count: int = 0

    def write_backlog(self) -> None:
        """Put as many events into the topics as the run has asked for, as fast as that goes."""
        count = self.run.lengths.backlog_count
        if not self.kafka.is_real:
            count = min(count, MOCK_EVENT_LIMIT)
        words = self.writer_words(count, 0)
        with accounted(words, self.folder, within_s=WRITE_LIMIT_S) as writer:
            wait_watching(self.run, "events are written", writer, count / GUESSED_RATE)
        self.note_written(count, writer.told)

    def writer_words(self, count: int, rate: float) -> tuple[str, ...]:
        """The command that writes the next events."""
        where = f"--kafka={self.kafka.address}", f"--suffix={self.suffix}"
        what = f"--count={count}", f"--rate={rate}", f"--first={self.written_count}"
        return ("benchmarks.event_writer", *where, *what)

    def note_written(self, count: int, told: Json) -> None:
        """Count them in. Raises `MeasurementFailed` when Kafka did not take all of them."""
        if told["lost_count"]:
            raise MeasurementFailed(f"Kafka did not take {told['lost_count']} of {count} events")
        self.written_count += count

    def read_barely(self) -> float:
        """Events a second of a reader that does nothing else."""
        words = (
            *("benchmarks.bare_reader", f"--kafka={self.kafka.address}"),
            *(f"--suffix={self.suffix}", f"--partitions={PARTITION_COUNT}"),
            f"--count={self.written_count}",
        )
        with accounted(words, self.folder, within_s=APPLY_LIMIT_S) as reader:
            guess_s = self.written_count / GUESSED_RATE
            wait_watching(self.run, "control: read alone", reader, guess_s)
        rate: float = reader.told["rate"]
        return rate

    def circumstances(self, applied: Applied) -> str:
        """How much it was, through which Kafka, and what others took of the machine meanwhile."""
        others = 100 * applied.used_s[OTHERS] / applied.took_s
        return f"{applied.event_count:,} events, {self.kafka.name}; others {others:.0f} % of a core"

    def wait_applied(
        self,
        what: str,
        worker: Role,
        pids: Mapping[str, int] = NO_PIDS,
        generation: int | None = None,
    ) -> Applied:
        """Wait until ``worker`` has applied all events; from the first sign of progress on.

        Raises `MeasurementFailed` when it ends before that, or takes far too long.
        """
        give_up_s = time.monotonic() + APPLY_LIMIT_S
        with self.run.watched(what, self.written_count) as watch:
            while not (first_count := self.gauge.applied_count(generation)):
                _refuse(worker, give_up_s, f"{what}: nothing was applied")
                time.sleep(LOOK_EVERY_S)
            first_s, meter = time.monotonic(), CpuMeter(pids)
            while (applied_count := self.gauge.applied_count(generation)) < self.written_count:
                _refuse(worker, give_up_s, f"{what}: {applied_count} events were applied")
                watch(applied_count)
                time.sleep(LOOK_EVERY_S)
        took_s = max(time.monotonic() - first_s, LOOK_EVERY_S)
        return Applied(self.written_count - first_count, took_s, meter.used_s())


@contextmanager
def opened_bench(run: Run, name: str) -> Iterator[EventBench]:
    """Empty topics and an empty server inside the block."""
    folder, kafka, suffix = run.room(name), run.kafka(), f".{unique(name)}"
    with (
        kafka.topics([source + suffix for source in SOURCES]),
        running_valkey(folder / "valkey") as valkey,
    ):
        settings = {
            **distributed_settings(kafka.address, valkey),
            "BFF_KAFKA_TOPIC_SUFFIX": suffix,
            "BFF_KAFKA_HEARTBEATS": "false",
            "BFF_LOG_FORMAT": "json",
        }
        with Gauge(valkey.url, settings["BFF_REDIS_PREFIX"]) as gauge:
            pids = server_pids(kafka, valkey)
            yield EventBench(run, folder, kafka, suffix, settings, gauge, pids)


def _refuse(worker: Role, give_up_s: float, otherwise: str) -> None:
    if time.monotonic() > give_up_s:
        raise MeasurementFailed(otherwise)
    if worker.process.poll():
        raise MeasurementFailed(f"{otherwise}; {worker.name} has ended:\n{worker.said[-2000:]}")
