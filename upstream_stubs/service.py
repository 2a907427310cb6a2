"""What the three services share: how the parts of one become an application.

Outermost first: whole bodies up to a cap (so that every part below may read the body again) ›
faults on demand › problem+json › routes. ``/livez``, ``/readyz`` and ``/admin`` are never faulted.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query
from starlette.types import ASGIApp

from upstream_stubs.bodies import WholeBodies
from upstream_stubs.database import Database
from upstream_stubs.faults import REFUSE_ALL, Faults, FaultyApp, faults_router
from upstream_stubs.feed import Feed, feed_router
from upstream_stubs.outbox import utc_now
from upstream_stubs.problems import ProblemError, Refusal, answer_problems
from upstream_stubs.relay.faults import RelayFaults, relay_faults_router
from upstream_stubs.seed import FULL_DEMO, DemoSize

WaitSeconds = Annotated[float, Query(ge=0, le=30, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StubOptions:
    """Where a service keeps its file, the demo data of a first start, and where it publishes.

    ``kafka``: ``host:port``, comma-separated; None: events are told by the feed only. ``now`` is
    the clock by which its feed proves itself.
    """

    data_dir: Path
    seed: int = 1
    demo: DemoSize = FULL_DEMO
    kafka: str | None = None
    now: Callable[[], datetime] = utc_now

    def file_of(self, name: str) -> Path:
        """The service's database file."""
        return self.data_dir / f"{name}.sqlite3"


@dataclass(frozen=True, slots=True)
class Stub:
    """One service, ready to be served; ``ready`` is set while it can do all of its work."""

    app: ASGIApp
    ready: asyncio.Event
    feed: Feed
    faults: Faults
    relay_faults: RelayFaults

    def stop(self) -> None:
        """Let go of every request that waits, so that a server can end at once."""
        self.feed.close()
        self.faults.replace(REFUSE_ALL)


def assemble(
    name: str,
    database: Database,
    router: APIRouter,
    options: StubOptions,
    ready: asyncio.Event | None = None,
) -> Stub:
    """The service made of its own routes and of what all of them have (no ``ready``: always)."""
    if ready is None:
        ready = asyncio.Event()
        ready.set()
    feed = Feed(database, now=options.now)
    faults, relay_faults = Faults(feed), RelayFaults(database)
    app = FastAPI(title=name, openapi_url=None, redirect_slashes=False)
    for part in (router, feed_router(feed), health_router(name, ready)):
        app.include_router(part)
    for part in (faults_router(faults), relay_faults_router(relay_faults)):
        app.include_router(part)
    answer_problems(app)
    return Stub(WholeBodies(FaultyApp(app, faults)), ready, feed, faults, relay_faults)


def health_router(name: str, ready: asyncio.Event) -> APIRouter:
    """``GET /livez`` and ``GET /readyz?wait_s=``."""
    router = APIRouter()

    @router.get("/livez")
    async def read_liveness() -> dict[str, str]:
        return {"service": name, "status": "live"}

    @router.get("/readyz")
    async def read_readiness(wait_s: WaitSeconds = 0.0) -> dict[str, str]:
        try:
            async with asyncio.timeout(wait_s):
                await ready.wait()
        except TimeoutError:
            detail = f"{name} still reads what the other services published"
            raise ProblemError(Refusal.NOT_READY, detail, retry_after_s=1) from None
        return {"service": name, "status": "ready"}

    return router
