"""`python -m benchmarks.steady_reader`: sessions that read at a steady pace, whatever else happens.

Each session sends the last token it was given, as clients should. Reads begin when they are due,
whatever became of those before, so that a gateway that stands still cannot hide it. What one took
is counted from when it began; how late that was is told apart, for that is the machine's doing.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvloop

from benchmarks.forged_tokens import ORDER, rendered
from benchmarks.keep_alive import Connections, Errand, OnAnswer, at_pace
from benchmarks.wishes import ORDER_COUNT

SESSION_COUNT: Final = 8
CONNECTION_COUNT: Final = 8
READER_ID: Final = "reader"
TOKEN: Final = re.compile(rb"\r\nx-consistency-token: *([^\r]+)", re.IGNORECASE)
PROJECTED: Final = b'"source":"PROJECTION"'
TELLING_BYTES: Final = 300


def main(argv: Sequence[str]) -> None:
    """Read, then write one JSON object about it to ``--out``."""
    options = parse(argv)
    reader = SteadyReader(options.gateway)
    uvloop.run(reader.read(options.rate, options.first_at, options.seconds))
    Path(options.out).write_text(json.dumps(reader.told()))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steady_reader", description=__doc__)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--rate", type=float, required=True, help="reads a second")
    parser.add_argument("--first-at", type=float, required=True, help="wall clock (s)")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--out", required=True, help="file for the account of it")
    return parser.parse_args(argv)


class SteadyReader:
    """Reads orders with all their parts; notes how late each began and how long it took (s)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._host = urlsplit(url).netloc
        self._numbers = count()
        self._tokens = [""] * SESSION_COUNT
        self._reads: list[tuple[float, float]] = []
        self._late: list[tuple[float, float]] = []
        self._failures: Counter[str] = Counter()
        self._live_count = 0
        self._connections = Connections()

    async def read(self, rate: float, first_at_s: float, seconds: float) -> None:
        """Keep the pace for so long; the first read is due at ``first_at_s`` of the wall clock."""
        first_s = time.perf_counter() + first_at_s - time.time()
        await asyncio.sleep(first_s - time.perf_counter())
        async with self._connections.open(self._url, CONNECTION_COUNT):
            await at_pace(rate, first_s, seconds, lambda due_s: self._read_next(due_s, first_s))

    def told(self) -> dict[str, object]:
        """All of it, for JSON.

        ``reads`` and ``late`` have a pair for each: when it was due, since the first, and the time.
        """
        return {
            "reads": self._reads,
            "late": self._late,
            "live_count": self._live_count,
            "lost_count": self._connections.lost_count,
            "failure_count": self._failures.total(),
            "failures": dict(self._failures.most_common(3)),
        }

    def _read_next(self, due_s: float, first_s: float) -> None:
        number = next(self._numbers)
        session = number % SESSION_COUNT
        asked = {"query": ORDER, "variables": {"id": f"o-{number % ORDER_COUNT + 1}"}}
        token = self._tokens[session]
        request = rendered(
            self._host,
            asked,
            {"X-Consistency-Token": token} if token else {},
            subject=f"reader-{session}",
            request_id=READER_ID,
        )
        self._connections.put(Errand(request, self._noting(session, due_s, first_s)))

    def _noting(self, session: int, due_s: float, first_s: float) -> OnAnswer:
        began_s = time.perf_counter()
        self._late.append((due_s - first_s, began_s - due_s))

        def note(answer: bytes) -> None:
            self._reads.append((due_s - first_s, time.perf_counter() - began_s))
            if token := TOKEN.search(answer):
                self._tokens[session] = token[1].decode()
            if b'"errors":' in answer or token is None:
                self._failures[answer[-TELLING_BYTES:].decode(errors="replace")] += 1
            self._live_count += PROJECTED not in answer

        return note


if __name__ == "__main__":
    main(sys.argv[1:])
