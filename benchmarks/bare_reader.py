"""`python -m benchmarks.bare_reader`: the control of applying: the same topics read, and no more.

As much as reading alone can do in a process like a projector: the same client, told the same, in
one loop; nothing is parsed, judged or stored.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.demo_events import SOURCES


def main(argv: Sequence[str]) -> None:
    """Read so many events from the start, then write one JSON object about it to ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bare_reader", description=__doc__)
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT")
    parser.add_argument("--suffix", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args(argv)
    topics = [source + options.suffix for source in SOURCES]
    places = [TopicPartition(t, n) for t in topics for n in range(options.partitions)]
    took_s = uvloop.run(read(options.kafka, places, options.count))
    told = {"rate": options.count / took_s, "cpu_s": time.process_time()}
    Path(options.out).write_text(json.dumps(told))


async def read(kafka: str, places: list[TopicPartition], count: int) -> float:
    """How long it took to be given so many events (s), from the first of them on."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        fetch_max_wait_ms=100,
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        started_s = time.perf_counter()
        while count > 0:
            arrived = await consumer.getmany(timeout_ms=500)
            count -= sum(map(len, arrived.values()))
        return time.perf_counter() - started_s
    finally:
        await consumer.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
