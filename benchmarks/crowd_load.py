"""`python -m benchmarks.crowd_load`: more reads than a gateway can answer, from its own process.

First the peak, which ``--peak`` may tell: a few clients that ask again as soon as they are answered
show about how much can be had; an open loop tries rates around that; and what it gets at the best
of them, just before the overload and just after it, is the peak, so that neither luck nor a machine
that became slower counts. The overload is an open loop at a multiple of it, then one at a half.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvloop

from benchmarks.forged_tokens import rendered
from benchmarks.keep_alive import Connections, Errand, OnAnswer, at_pace
from benchmarks.overload_account import REFUSED, SETTLING_S, Outcome, goodput
from benchmarks.wishes import ORDER_COUNT

ORDER: Final = """
query Order($id: ID!) {
  order(id: $id, consistency: {bounded: {maxStalenessMs: 60000}}) {
    id version status note total
    customer { id version name }
    items { quantity unitPrice lineTotal product { id version name } }
  }
}"""
"""What the door decides about: a plain query has its answer at hand here, and such a one costs less
than whoever asks for it."""

PROBING_COUNT: Final = 4
PROBING_SHARE: Final = 0.1
"""Of the overload's length: how long each rate is tried."""

PEAK_SHARE: Final = 0.25
"""Likewise: how long the best one is put on, before and after."""

PROBED_SHARES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
CROWD_COUNT: Final = 2_048
"""More connections than requests ever wait in the line, or refusals would wait behind them."""

OVERLOAD_FACTOR: Final = 3.0
CALM_FACTOR: Final = 0.5
CALM_S: Final = 5.0
STATUS_AT: Final = slice(9, 12)
ERRORS: Final = b'"errors":'
RETRY_AFTER: Final = b"\r\nretry-after:"


def main(argv: Sequence[str]) -> None:
    """Put the load on, then write one JSON object about it to ``--out``."""
    options = parse(argv)
    told = uvloop.run(put_on(options.gateway, options.seconds, options.peak))
    Path(options.out).write_text(json.dumps(told))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd_load", description=__doc__)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--seconds", type=float, required=True, help="of the overload")
    parser.add_argument("--peak", type=float, help="answers a second, if known")
    parser.add_argument("--out", required=True, help="file for the account of it")
    return parser.parse_args(argv)


async def put_on(url: str, seconds: float, peak: float | None) -> dict[str, object]:
    """The peak, and what became of each request of the overload and of the calm after it."""
    crowd = Crowd(url)
    if peak is not None:
        return {"peak": peak, **await crowd.overload(peak, seconds)}
    rate = await crowd.best_rate(seconds * PROBING_SHARE)
    before = await crowd.goodput(rate, seconds * PEAK_SHARE)
    told = await crowd.overload(before, seconds)
    after = await crowd.goodput(rate, seconds * PEAK_SHARE)
    return {"peak": (before + after) / 2, **told}


class Crowd:
    """Readers of orders with all their parts."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._host = urlsplit(url).netloc
        self._numbers = count()

    async def best_rate(self, seconds: float) -> float:
        """The rate of requests that got the most good answers, each tried for so long."""
        about = await self.probe(seconds)
        found = {
            rate: await self.goodput(rate, seconds)
            for rate in [share * about for share in PROBED_SHARES]
        }
        return max(found, key=found.__getitem__)

    async def goodput(self, rate: float, seconds: float) -> float:
        """Good answers a second at this rate of requests, over all but the first half second."""
        outcomes: list[Outcome] = []
        async with Connections().open(self._url, CROWD_COUNT) as connections:
            first_s = time.perf_counter()
            send = self._sending(connections, first_s, outcomes)
            await at_pace(rate, first_s, seconds, send)
        return goodput(outcomes, SETTLING_S, seconds)

    async def probe(self, seconds: float) -> float:
        """Good answers a second that a few clients get, each asking again at once."""
        connections, answered_count = Connections(), 0
        began_s = time.perf_counter()
        ends_s = began_s + seconds

        def ask() -> None:
            connections.put(Errand(self._request(), answered))

        def answered(answer: bytes) -> None:
            nonlocal answered_count
            now_s = time.perf_counter()
            answered_count += now_s < ends_s and ERRORS not in answer
            if now_s < ends_s:
                ask()

        async with connections.open(self._url, PROBING_COUNT):
            began_s = time.perf_counter()
            ends_s = began_s + seconds
            for _ in range(PROBING_COUNT):
                ask()
            await asyncio.sleep(seconds)
        return answered_count / seconds

    async def overload(self, peak: float, seconds: float) -> dict[str, object]:
        """Three times the peak, then half of it; what became of whom."""
        outcomes: list[Outcome] = []
        async with Connections().open(self._url, CROWD_COUNT) as connections:
            first_s = time.perf_counter()
            send = self._sending(connections, first_s, outcomes)
            await at_pace(OVERLOAD_FACTOR * peak, first_s, seconds, send)
            await at_pace(CALM_FACTOR * peak, first_s + seconds, CALM_S, send)
        sent_count = round(OVERLOAD_FACTOR * peak * seconds) + round(CALM_FACTOR * peak * CALM_S)
        return {
            "lost_count": sent_count - len(outcomes),
            "outcomes": [asdict(outcome) for outcome in outcomes],
        }

    def _sending(
        self, connections: Connections, first_s: float, outcomes: list[Outcome]
    ) -> Callable[[float], None]:
        def send(due_s: float) -> None:
            connections.put(Errand(self._request(), _noting(due_s, first_s, outcomes)))

        return send

    def _request(self) -> bytes:
        id_ = f"o-{next(self._numbers) % ORDER_COUNT + 1}"
        return rendered(self._host, {"query": ORDER, "variables": {"id": id_}}, {})


def _noting(due_s: float, first_s: float, outcomes: list[Outcome]) -> OnAnswer:
    def note(answer: bytes) -> None:
        took_s = time.perf_counter() - due_s
        status = int(answer[STATUS_AT])
        is_refused = status == REFUSED
        is_whole = RETRY_AFTER in answer.lower() if is_refused else ERRORS not in answer
        outcomes.append(Outcome(due_s - first_s, took_s, status, is_whole))

    return note


if __name__ == "__main__":
    main(sys.argv[1:])
