"""`python -m benchmarks.fault_reader`: reads at a steady pace, and notes what became of each.

Reads begin when they are due, whatever became of those before, so that who hangs cannot hide it.
Each has a request id of its own, ``ID-0`` and on, by which the services count their calls.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Final

import httpx
import msgspec
import uvloop

from benchmarks.fault_samples import Sample, sample_of
from benchmarks.keep_alive import at_pace
from benchmarks.processes import Json
from benchmarks.wishes import CUSTOMER_COUNT, ORDER_COUNT, PRODUCT_COUNT

QUERIES: Final = {
    "page": "query ($id: ID!) { order(id: $id) { note customer { name } "
    "items { quantity product { name } } } }",
    "products": "query ($id: ID!) { order(id: $id) { note items { quantity product { name } } } }",
    "order": "query ($id: ID!) { order(id: $id) { note total } }",
    "customer": "query ($id: ID!) { customer(id: $id) { name } }",
    "product": "query ($id: ID!) { product(id: $id) { name } }",
}
COUNTS: Final = {"customer": CUSTOMER_COUNT, "product": PRODUCT_COUNT}
"""How many there are of what is read; of all others, `ORDER_COUNT`."""

CONNECTION_LIMIT: Final = 1_000


def main(argv: Sequence[str]) -> None:
    """Read, then write all samples to ``--out``."""
    options = parse(argv)
    samples = uvloop.run(read(options))
    Path(options.out).write_bytes(msgspec.json.encode({"samples": samples}))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_reader", description=__doc__)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--query", choices=QUERIES, required=True)
    parser.add_argument("--request-id", required=True)
    parser.add_argument("--rate", type=float, required=True, help="reads a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--count", type=int, help="how many are read in turn (default: all)")
    parser.add_argument("--out", required=True, help="file for the account of it")
    return parser.parse_args(argv)


async def read(options: argparse.Namespace) -> list[Sample]:
    """Keep the pace for so long, then wait for what is still out."""
    samples: list[Sample] = []
    numbers, query = count(), QUERIES[options.query]
    row_count = options.count or COUNTS.get(options.query, ORDER_COUNT)
    initial = options.query[0] if options.query in COUNTS else "o"
    async with (
        httpx.AsyncClient(
            base_url=options.gateway,
            limits=httpx.Limits(max_connections=CONNECTION_LIMIT),
            timeout=30.0,
            trust_env=False,
        ) as http,
        asyncio.TaskGroup() as reads,
    ):

        def read_next(_: float) -> None:
            number = next(numbers)
            asked = {"query": query, "variables": {"id": f"{initial}-{number % row_count + 1}"}}
            headers = {"X-Request-Id": f"{options.request_id}-{number}"}
            reads.create_task(read_one(http, asked, headers, samples))

        await at_pace(options.rate, time.perf_counter(), options.seconds, read_next)
    return samples


async def read_one(
    http: httpx.AsyncClient, asked: Json, headers: Mapping[str, str], samples: list[Sample]
) -> None:
    """Read now, and note what became of it."""
    began_at_s, began_s = time.time(), time.perf_counter()
    answer = await http.post("/graphql", json=asked, headers=headers)
    took_s = time.perf_counter() - began_s
    samples.append(sample_of(answer.json(), began_at_s, took_s))


if __name__ == "__main__":
    main(sys.argv[1:])
