"""`python -m benchmarks.speed.closed_load`: so many clients, each asking again once answered.

The rule: every answer is looked at, and who asks costs little. Requests are counted exactly: the
server's processor time is read when nothing is under way, before the first and after the last. A
warm-up of the same requests goes before, in which a server that has just begun may refuse some but
not all; and no request comes twice before all have come once.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import uvloop

from benchmarks.keep_alive import END_OF_HEAD, Connections, Errand
from benchmarks.process_usage import cpu_s, resident_kb
from benchmarks.speed.asks import ELSEWHERE, Ask
from benchmarks.spread import spread

MS: Final = 1_000
LATE_S: Final = 0.5


class Load(msgspec.Struct, frozen=True):
    """What is put on whom: ``ask`` of the server at ``url``, whose process is ``pid``.

    ``first``: the number of the first request; rounds that go on where the last one ended ask for
    what was not asked for lately. ``warm_up_count``: requests of the warm-up at least;
    ``least_count``: of those that count.
    """

    url: str
    pid: int
    ask: Ask
    connection_count: int
    seconds: float
    warm_up_s: float
    first: int = 0
    warm_up_count: int = 0
    least_count: int = 0


class Account(msgspec.Struct, frozen=True):
    """What came of it. ``cpu_s``: of the server, in user and kernel, for ``request_count``.

    ``sent_count``: with the warm-up. ``answer_bytes``: of the body of the last answer.
    ``late_count``: answers that took longer than `LATE_S`. ``elsewhere_count``: good answers that
    did not come from where they should; they are no failures.
    """

    request_count: int
    sent_count: int
    seconds: float
    cpu_s: float
    load_cpu_s: float
    resident_mb: float
    p50_ms: float
    p99_ms: float
    answer_bytes: int
    late_count: int
    elsewhere_count: int
    failure_count: int
    failures: dict[str, int]


class Clients:
    """Ask one server the same question about ever other things."""

    def __init__(self, load: Load, connections: Connections) -> None:
        self._load = load
        self._ask = load.ask
        self._connections = connections
        self._host = urlsplit(load.url).netloc
        self._number = load.first
        self._took_s: list[float] = []
        self._failures: Counter[str] = Counter()
        self._under_way_count = 0
        self._is_idle = asyncio.Event()
        self._ends_s, self._least_count = 0.0, 0
        self.answer_bytes = 0
        self.sent_count = 0

    async def ask_for(self, seconds: float, least_count: int = 0) -> tuple[list[float], float]:
        """Ask for so long and wait for the last answer: what each took, and all together (s)."""
        self._took_s = []
        began_s = time.perf_counter()
        self._ends_s, self._least_count = began_s + seconds, least_count
        self._is_idle.clear()
        self._under_way_count = self._load.connection_count
        for _ in range(self._load.connection_count):
            self._ask_next()
        await self._is_idle.wait()
        return self._took_s, time.perf_counter() - began_s

    @property
    def failures(self) -> Counter[str]:
        return self._failures

    def _ask_next(self) -> None:
        request, key = self._ask.render(self._host, self._number)
        self._number += 1
        self.sent_count += 1
        began_s = time.perf_counter()

        def answered(answer: bytes) -> None:
            now_s = time.perf_counter()
            self._took_s.append(now_s - began_s)
            if complaint := self._ask.complaint(answer, key):
                self._failures[complaint] += 1
            if now_s < self._ends_s or len(self._took_s) < self._least_count:
                self._ask_next()  # it waits for this connection, which is free in a moment
                return
            self._under_way_count -= 1
            if not self._under_way_count:
                self.answer_bytes = len(answer.partition(END_OF_HEAD)[2])
                self._is_idle.set()

        self._connections.put(Errand(request, answered))


class NotAnswered(Exception):
    """The server does not do what it is asked; the text is what it says."""


async def put_on(load: Load) -> Account:
    """The warm-up, then what counts. Raises `NotAnswered` where all of the warm-up fails."""
    async with Connections().open(load.url, load.connection_count) as connections:
        clients = Clients(load, connections)
        await clients.ask_for(load.warm_up_s, load.warm_up_count)
        if clients.failures.total() == clients.sent_count:
            raise NotAnswered(f"never the right answer: {clients.failures.most_common(1)[0][0]}")
        clients.failures.clear()
        before_s, own_before_s = cpu_s(load.pid), time.process_time()
        took_s, seconds = await clients.ask_for(load.seconds, load.least_count)
        used_s, own_s = cpu_s(load.pid) - before_s, time.process_time() - own_before_s
        times = spread(took_s)
        complaints = clients.failures.items()
        elsewhere_count = sum(n for told, n in complaints if told.startswith(ELSEWHERE))
        return Account(
            request_count=len(took_s),
            sent_count=clients.sent_count,
            seconds=seconds,
            cpu_s=used_s,
            load_cpu_s=own_s,
            resident_mb=resident_kb(load.pid) / 1024,
            p50_ms=times.p50 * MS,
            p99_ms=times.p99 * MS,
            answer_bytes=clients.answer_bytes,
            late_count=sum(one_s > LATE_S for one_s in took_s),
            elsewhere_count=elsewhere_count,
            failure_count=clients.failures.total() - elsewhere_count + connections.lost_count,
            failures=dict(clients.failures.most_common(3)),
        )


def main(argv: Sequence[str]) -> None:
    """Read the load from a file, put it on, and write the account."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("load", type=Path, help="file with a `Load` as JSON")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    load = msgspec.json.decode(options.load.read_bytes(), type=Load)
    try:
        account = uvloop.run(put_on(load))
    except NotAnswered as failed:
        sys.exit(str(failed))
    options.out.write_bytes(msgspec.json.encode(account))


if __name__ == "__main__":
    main(sys.argv[1:])
