"""`python -m benchmarks.token_reader`: one client that writes and reads, paced, at one gateway.

Each turn: a plain read of an order; a write of its note; at once a read with the token of that
write; then the same read once more, with the token that came with it. So three reads of one order
differ in nothing but their token, and the middle one has to wait for the projection.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.spread import spread
from benchmarks.wishes import ORDER_COUNT
from tests.e2e.shopper import Shopper, quiet_client

KINDS = ("plain", "after a write", "token, nothing to wait for")


def main(argv: Sequence[str]) -> None:
    """Take turns until the time is over, then write one JSON object to ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.token_reader", description=__doc__)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rate", type=float, default=10.0, help="turns a second, at most")
    parser.add_argument("--out", required=True)
    options = parser.parse_args(argv)
    reader = TokenReader()
    with quiet_client(options.gateway) as http:
        reader.take_turns(Shopper(http), options.seconds, options.rate)
    Path(options.out).write_text(json.dumps(reader.told()))


class TokenReader:
    """What was measured so far, by kind of read (s)."""

    def __init__(self) -> None:
        self._took_s: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self._sources: Counter[str] = Counter()

    def take_turns(self, shopper: Shopper, seconds: float, rate: float) -> None:
        """Take turns, each when it is due or as soon as the one before is over."""
        started_s = time.perf_counter()
        for turn in range(round(seconds * rate)):
            elapsed_s = time.perf_counter() - started_s
            if elapsed_s >= seconds:
                return
            time.sleep(max(0.0, turn / rate - elapsed_s))
            self._take_turn(shopper, f"o-{turn % ORDER_COUNT + 1}", f"turn {turn}")

    def told(self) -> dict[str, object]:
        """All of it, for JSON."""
        return {
            "took_s": {kind: asdict(spread(took_s)) for kind, took_s in self._took_s.items()},
            "sources": dict(self._sources),
        }

    def _take_turn(self, shopper: Shopper, order_id: str, note: str) -> None:
        plain = shopper.order(order_id)
        token = shopper.write("updateOrder", {"id": order_id, "note": note}).token
        waited = shopper.order(order_id, token=token)
        again = shopper.order(order_id, token=waited.token)
        for kind, answer in zip(KINDS, (plain, waited, again), strict=True):
            self._took_s[kind].append(answer.took_s)
        self._sources["/".join(waited.shown("order"))] += 1


if __name__ == "__main__":
    main(sys.argv[1:])
