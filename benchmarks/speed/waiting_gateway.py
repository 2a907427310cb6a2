"""`python -m benchmarks.speed.waiting_gateway COUNT`: `bff serve`, in which so many wait all along.

Each waits for a version that never comes, of an aggregate of its own, as reads with a token do.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from gateway.app import Gateway, create_app
from gateway.log_setup import configure_logging
from gateway.serving import bind, run, serve_app
from gateway.settings import Settings
from projections.versions import AggregateKey, AggregateType, Version
from projections.waiters import Waiters

FOR_EVER_S: Final = 3_600.0
NEVER: Final = Version(1, 1_000_000)


def main(argv: Sequence[str]) -> None:
    """Serve until asked to end."""
    settings = Settings.from_environment()
    configure_logging(settings.log_format)
    app = create_app(settings, settings.read_token_keys())
    attach(app, int(argv[0]))
    with bind(settings) as listening:
        run(serve_app(app, listening))


def attach(app: FastAPI, waiter_count: int) -> None:
    """Have so many wait for as long as the gateway is open."""
    gateway: Gateway = app.state.gateway
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def with_waiters(opened: FastAPI) -> AsyncIterator[None]:
        async with lifespan(opened):
            if gateway.model is None:
                raise ValueError("without a projection nobody waits: set BFF_EVENTS")
            async with asyncio.TaskGroup() as group:
                waiters = gateway.model.waiters
                tasks = [group.create_task(wait(waiters, n)) for n in range(waiter_count)]
                try:
                    yield
                finally:
                    for task in tasks:
                        task.cancel()

    app.router.lifespan_context = with_waiters


async def wait(waiters: Waiters, number: int) -> None:
    """Wait for what does not come. A session each: one session may not take all places."""
    key = AggregateKey(AggregateType.ORDER, f"w-{number}")
    await waiters.wait_for({key: NEVER}, subject=f"bench-{number}", timeout_s=FOR_EVER_S)


if __name__ == "__main__":
    main(sys.argv[1:])
