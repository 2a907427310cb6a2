"""`python -m benchmarks.fault_reader`: reads pages at a steady pace, and notes what became of each.

Reads begin when they are due, whatever became of those before, so that who hangs cannot hide it.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import httpx
import uvloop

from benchmarks.keep_alive import at_pace
from benchmarks.processes import Json
from benchmarks.wishes import ORDER_COUNT

QUERIES: Final = {
    "page": "query ($id: ID!) { order(id: $id) { note customer { name } "
    "items { quantity product { name } } } }",
    "products": "query ($id: ID!) { order(id: $id) { note items { quantity product { name } } } }",
    "order": "query ($id: ID!) { order(id: $id) { note total } }",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One read: when it began (wall clock, s), what it took (s), the codes of its errors.

    ``has_order``: whether the order itself was shown.
    """

    began_at_s: float
    took_s: float
    codes: tuple[str, ...]
    has_order: bool


def main(argv: Sequence[str]) -> None:
    """Read, then write all samples to ``--out``."""
    options = parse(argv)
    samples = uvloop.run(read(options))
    told = [[s.began_at_s, s.took_s, s.codes, s.has_order] for s in samples]
    Path(options.out).write_text(json.dumps({"samples": told}))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_reader", description=__doc__)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--query", choices=QUERIES, required=True)
    parser.add_argument("--request-id", required=True)
    parser.add_argument("--rate", type=float, required=True, help="reads a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--order-count", type=int, default=ORDER_COUNT, help="o-1 to o-N, in turn")
    parser.add_argument("--out", required=True, help="file for the account of it")
    return parser.parse_args(argv)


async def read(options: argparse.Namespace) -> list[Sample]:
    """Keep the pace for so long, then wait for what is still out."""
    samples: list[Sample] = []
    numbers, query = count(), QUERIES[options.query]
    headers = {"X-Request-Id": options.request_id}
    async with (
        httpx.AsyncClient(
            base_url=options.gateway, headers=headers, timeout=30.0, trust_env=False
        ) as http,
        asyncio.TaskGroup() as reads,
    ):

        def read_next(_: float) -> None:
            order_id = f"o-{next(numbers) % options.order_count + 1}"
            asked = {"query": query, "variables": {"id": order_id}}
            reads.create_task(read_one(http, asked, samples))

        await at_pace(options.rate, time.perf_counter(), options.seconds, read_next)
    return samples


async def read_one(http: httpx.AsyncClient, asked: Json, samples: list[Sample]) -> None:
    """Read now, and note what became of it."""
    began_at_s, began_s = time.time(), time.perf_counter()
    body = (await http.post("/graphql", json=asked)).json()
    took_s = time.perf_counter() - began_s
    codes = {error["extensions"]["code"] for error in body.get("errors", ())}
    has_order = (body.get("data") or {}).get("order") is not None
    samples.append(Sample(began_at_s, took_s, tuple(sorted(codes)), has_order))


def samples_of(told: Json) -> list[Sample]:
    """The samples as they were written, in the order of their beginning."""
    samples = [
        Sample(began_at_s, took_s, tuple(codes), has_order)
        for began_at_s, took_s, codes, has_order in told["samples"]
    ]
    return sorted(samples, key=lambda sample: sample.began_at_s)


if __name__ == "__main__":
    main(sys.argv[1:])
