"""`python -m benchmarks.event_writer`: events into Kafka, on schedule, from a process of its own.

librdkafka sends them, because it costs a tenth of what it would cost in Python; and like every
client it puts a key where all others put it. As fast as it can without ``--rate``.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from benchmarks.demo_events import events
from benchmarks.spread import spread

FLUSH_LIMIT_S: Final = 60.0
PIECE_S: Final = 0.005
"""How much of the schedule is written at once (s)."""

LINGER_MS: Final = 10
"""As a relay that publishes what was committed in one turn of its loop or two."""

AS_FAST_AS_IT_CAN: Final = 1_000_000.0


def main(argv: Sequence[str]) -> None:
    """Write the events, then one JSON object about it to ``--out``."""
    options = parse(argv)
    producer = Producer(
        {
            "bootstrap.servers": options.kafka,
            "partitioner": "murmur2_random",
            "linger.ms": LINGER_MS,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1_048_576,
            "log_level": 0,
        }
    )
    writer = Writer(producer, options.suffix)
    told = writer.write(options.first, options.count, options.rate or AS_FAST_AS_IT_CAN)
    Path(options.out).write_text(json.dumps(told))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.event_writer", description=__doc__)
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT")
    parser.add_argument("--suffix", required=True, help="of the topics: orders.events has .events")
    parser.add_argument("--count", type=int, required=True, help="events to write")
    parser.add_argument("--first", type=int, default=0, help="how many were written before")
    parser.add_argument("--rate", type=float, default=0.0, help="events a second")
    parser.add_argument("--out", required=True, help="file for the account of it")
    return parser.parse_args(argv)


class Writer:
    """Writes to the topics of one suffix."""

    def __init__(self, producer: Producer, suffix: str) -> None:
        self._producer = producer
        self._suffix = suffix
        self._lost_count = 0

    def write(self, first: int, count: int, rate: float) -> dict[str, object]:
        """Write so many events, each when it is due; what came of it (s, wall clock)."""
        stream = events(first)
        for source, key, value in islice(stream, 1):  # the moulds are made before the clock runs
            self._produce(source, key, value)
        late_s: list[float] = []
        started_at_s, started_s = time.time(), time.perf_counter()
        done = 1
        while done < count:
            due_s = done / rate
            elapsed_s = time.perf_counter() - started_s
            if elapsed_s < due_s:
                time.sleep(due_s - elapsed_s)
            late_s.append(max(0.0, time.perf_counter() - started_s - due_s))
            piece = max(1, min(count - done, round(rate * PIECE_S)))
            for source, key, value in islice(stream, piece):
                self._produce(source, key, value)
            self._producer.poll(0)
            done += piece
        self._producer.flush(FLUSH_LIMIT_S)
        return {
            "started_at_s": started_at_s,
            "took_s": time.perf_counter() - started_s,
            "lost_count": self._lost_count,
            "cpu_s": time.process_time(),
            "late_s": asdict(spread(late_s)),
        }

    def _produce(self, source: str, key: bytes, value: bytes) -> None:
        topic = source + self._suffix
        self._producer.produce(topic, value, key, on_delivery=self._note_delivery)

    def _note_delivery(self, error: object, _: object) -> None:
        self._lost_count += error is not None


if __name__ == "__main__":
    main(sys.argv[1:])
