"""`python -m tests.e2e.soak.sampled_gateway FILE`: `bff serve` that writes down what it holds.

Settings come from the environment. Four times a second a line goes to FILE, read from the inside,
so that no endpoint needs to tell it. ``--leak`` plants a leak where a call to a service fails: the
control.
"""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from fastapi import FastAPI

from benchmarks.process_usage import resident_kb
from gateway.app import Gateway, Wires, create_app
from gateway.log_setup import configure_logging
from gateway.serving import bind, run, serve_app
from gateway.settings import Settings
from resolvers.upstream.bulkhead import Bulkhead
from resolvers.upstream.call import Upstream
from tests.e2e.soak.descriptors import open_descriptors
from tests.e2e.soak.planted_leaks import LEAKS, LeakyUpstream
from tests.e2e.soak.samples import Sample

SAMPLE_EVERY_S: Final = 0.25


def main(argv: Sequence[str]) -> None:
    """Serve until asked to end."""
    options = parse(argv)
    settings = Settings.from_environment()
    configure_logging(settings.log_format)
    app = create_app(settings, settings.read_token_keys(), wires=wires_of(options.leak))
    attach(app, options.out)
    with bind(settings) as listening, suppress(KeyboardInterrupt):
        run(serve_app(app, listening))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", metavar="FILE", type=Path)
    parser.add_argument("--leak", choices=LEAKS)
    return parser.parse_args(argv)


def wires_of(leak: str | None) -> Wires:
    """The wires of a gateway that leaks like this, if it is to leak at all."""
    if leak is None:
        return Wires()
    made = LeakyUpstream.leaking(LEAKS[leak])
    return Wires(
        upstream=lambda service, options, to: made.over_http(service, options, observe=to.circuit)
    )


def attach(app: FastAPI, out: Path) -> None:
    """Have samples written for as long as the gateway is open."""
    gateway: Gateway = app.state.gateway
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def sampling(opened: FastAPI) -> AsyncIterator[None]:
        async with lifespan(opened), asyncio.TaskGroup() as group:
            task = group.create_task(write_samples(gateway, out))
            try:
                yield
            finally:
                task.cancel()

    app.router.lifespan_context = sampling


async def write_samples(gateway: Gateway, out: Path) -> None:
    """A line now, and again and again."""
    with out.open("ab", buffering=0) as lines:
        while True:
            lines.write(msgspec.json.encode(sample_of(gateway)) + b"\n")
            await asyncio.sleep(SAMPLE_EVERY_S)


def sample_of(gateway: Gateway) -> Sample:
    """What the gateway of this process holds."""
    bulkheads = {name: bulkhead_of(upstream) for name, upstream in gateway.upstreams.items()}
    shared, model = gateway.clients.shared, gateway.model
    return Sample(
        at_s=time.time(),
        tasks=Counter(running(task) for task in asyncio.all_tasks()),
        places={name: bulkhead._in_flight_count for name, bulkhead in bulkheads.items()},
        queued={name: len(bulkhead._queue) for name, bulkhead in bulkheads.items()},
        waiter_count=0 if model is None else model.waiters.waiting_count,
        flight_count=0 if shared is None else len(shared._flights._in_the_air),
        refresh_count=0 if shared is None else len(shared._refreshing),
        descriptors=open_descriptors(service_by_port(gateway.settings)),
        resident_kb=resident_kb(os.getpid()),
    )


def service_by_port(settings: Settings) -> dict[int, str]:
    """Who is at the other end of a connection to this port."""
    return {urlsplit(url).port or 80: name for name, url in settings.service_urls.items()}


def bulkhead_of(upstream: Upstream) -> Bulkhead:
    """The wall before one service."""
    [bulkhead] = [layer for layer in upstream._layers if isinstance(layer, Bulkhead)]
    return bulkhead


def running(task: "asyncio.Task[object]") -> str:
    """What a task runs."""
    return str(getattr(task.get_coro(), "__qualname__", "?"))


if __name__ == "__main__":
    main(sys.argv[1:])
