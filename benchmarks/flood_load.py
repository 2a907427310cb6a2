"""`python -m benchmarks.flood_load`: floods a gateway in some rounds, from a process of its own.

Open loop: a request is due when the schedule says so, whatever became of those before it. All are
rendered before the first round begins.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvloop

from benchmarks.flood_rounds import ROUNDS, Kind, Plan
from benchmarks.forged_tokens import Flooding, Forger, cheap_requests, forged_requests
from benchmarks.keep_alive import Connections, Errand, OnAnswer, at_pace
from benchmarks.spread import spread
from projections.token_codec import TokenKeys

CONNECTION_COUNT: Final = 16
READY_COUNT: Final = 3_000
"""Requests of a kind that are rendered before; then they come again."""

TELLING_BYTES: Final = 300


@dataclass(slots=True)
class Flooded:
    """What became of the requests of one kind (s)."""

    took_s: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def answering(self, flooding: Flooding, due_s: float) -> OnAnswer:
        """Notes the answer to a request that was due then (s)."""

        def note(answer: bytes) -> None:
            self.took_s.append(time.perf_counter() - due_s)
            if flooding.expected not in answer:
                self.failures[answer[-TELLING_BYTES:].decode(errors="replace")] += 1

        return note

    def told(self) -> dict[str, object]:
        """For JSON."""
        return {
            "answered": asdict(spread(self.took_s)),
            "failure_count": self.failures.total(),
            "failures": dict(self.failures.most_common(3)),
        }


def main(argv: Sequence[str]) -> None:
    """Flood, then write one JSON object about it to ``--out``."""
    options = parse(argv)
    host = urlsplit(options.gateway).netloc
    chance = random.Random(1)
    forger = Forger(TokenKeys.parse(options.keys), int(time.time() // 60), chance)
    requests = {
        Kind.FORGED: forged_requests(forger, host, READY_COUNT),
        Kind.CHEAP: cheap_requests(host, READY_COUNT),
    }
    flooder = Flooder(options.gateway, Plan(**json.loads(options.plan)), requests)
    uvloop.run(flooder.flood())
    Path(options.out).write_text(json.dumps(flooder.told()))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flood_load", description=__doc__)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--plan", required=True, help="the rounds, as JSON")
    parser.add_argument("--keys", required=True, help="of the gateway, to forge by")
    parser.add_argument("--out", required=True, help="file for the account of it")
    return parser.parse_args(argv)


class Flooder:
    """Sends ``requests`` of the kind that each round of the plan wants."""

    def __init__(self, url: str, plan: Plan, requests: Mapping[Kind, Sequence[Flooding]]) -> None:
        self._url = url
        self._plan = plan
        self._requests = {kind: cycle(some) for kind, some in requests.items()}
        self._flooded = {kind: Flooded() for kind in requests}

    async def flood(self) -> None:
        """All rounds."""
        first_s = time.perf_counter() + self._plan.first_at_s - time.time()
        for number, kind in enumerate(ROUNDS):
            begins_s = first_s + number * self._plan.round_s
            await asyncio.sleep(begins_s - time.perf_counter())
            if kind in self._requests:
                await self._flood_round(kind, begins_s)

    def told(self) -> dict[str, object]:
        """What became of it, by kind."""
        return {kind.name: flooded.told() for kind, flooded in self._flooded.items()}

    async def _flood_round(self, kind: Kind, begins_s: float) -> None:
        requests, flooded = self._requests[kind], self._flooded[kind]
        connections = Connections()

        def send_next(due_s: float) -> None:
            flooding = next(requests)
            connections.put(Errand(flooding.request, flooded.answering(flooding, due_s)))

        # Anew in each round: a server closes what is idle.
        async with connections.open(self._url, CONNECTION_COUNT):
            await at_pace(self._plan.rate, begins_s, self._plan.round_s, send_next)
        if connections.lost_count:
            flooded.failures["connection lost"] += connections.lost_count


if __name__ == "__main__":
    main(sys.argv[1:])
