"""`python -m benchmarks.load`: open-loop load, from a process of its own.

A request is due when the schedule says so, whatever became of those before it; what it took is
counted from then. So a server that stands still is seen standing still (no coordinated omission).
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.http_lane import Lane
from benchmarks.spread import spread
from benchmarks.wishes import GATEWAY, MakeWish, mutations, reads

CONNECTION_COUNT: Final = 8
LEAD_S: Final = 0.5
"""From the opening of connections to the first request."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Rates (1/s), how long they are kept, and how much of that is not counted (s)."""

    mutation_rate: float
    read_rate: float
    seconds: float
    warm_up_s: float


def main(argv: Sequence[str]) -> None:
    """Put the load on, then write one JSON object about it to ``--out``."""
    options = parse(argv)
    urls: Mapping[str, str] = json.loads(options.urls)
    plan = Plan(options.mutations, options.reads, options.seconds, options.warm_up)
    told = uvloop.run(put_on(urls, plan))
    Path(options.out).write_text(json.dumps(told))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--urls", required=True, help="addresses by name, as JSON")
    parser.add_argument("--mutations", type=float, default=0.0, help="changes a second")
    parser.add_argument("--reads", type=float, default=0.0, help="reads a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warm-up", type=float, default=0.0, help="seconds that do not count")
    parser.add_argument("--out", required=True, help="file for the account of it")
    return parser.parse_args(argv)


async def put_on(urls: Mapping[str, str], plan: Plan) -> dict[str, object]:
    """Keep both schedules; what came of it, by lane. Instants are of the wall clock (s)."""
    names = [name for name in urls if name != GATEWAY and plan.mutation_rate]
    names += [GATEWAY] if plan.read_rate else []
    first_s = asyncio.get_running_loop().time() + LEAD_S
    started_at_s, cpu_before_s = time.time() + LEAD_S, time.process_time()
    lanes = {name: Lane(urls[name], counted_from_s=first_s + plan.warm_up_s) for name in names}
    async with AsyncExitStack() as stack:
        for lane in lanes.values():
            await stack.enter_async_context(lane.open(CONNECTION_COUNT))
        async with asyncio.TaskGroup() as group:
            for make, rate in ((mutations(), plan.mutation_rate), (reads(), plan.read_rate)):
                if rate:
                    group.create_task(keep_schedule(lanes, make, rate, first_s, plan.seconds))
    return {
        "started_at_s": started_at_s,
        "cpu_s": time.process_time() - cpu_before_s,
        "lanes": {name: account(lane) for name, lane in lanes.items()},
    }


async def keep_schedule(
    lanes: Mapping[str, Lane], make: MakeWish, rate: float, first_s: float, seconds: float
) -> None:
    """Put every request into its lane when it is due; the first at ``first_s``."""
    loop = asyncio.get_running_loop()
    for number in range(round(rate * seconds)):
        due_s = first_s + number / rate
        if (ahead_s := due_s - loop.time()) > 0:
            await asyncio.sleep(ahead_s)
        name, wish = make(due_s)
        lanes[name].put(wish)


def account(lane: Lane) -> dict[str, object]:
    """What became of a lane's requests (s)."""
    kept = lane.kept
    return {
        "counted": len(kept.answered_s),
        "sent_late_s": asdict(spread(kept.sent_late_s)),
        "answered_s": asdict(spread(kept.answered_s)),
        "failures": dict(kept.failures.most_common(5)),
        "failure_count": kept.failures.total(),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
