"""What a projector tells of itself over HTTP: is it alive, how far is it, and in numbers.

Ready means here: the store answers, and every source has been read to its end. Nobody sends a
projector traffic; it is for whoever replaces processes one by one.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from gateway.freshness import FreshnessGauge
from gateway.health import READY, STALE, UNAVAILABLE, status_of, told_of
from gateway.metrics.page import projector_route
from projections.dead_letters import DeadLetters
from projections.errors import StoreUnavailable


def projector_page(gauge: FreshnessGauge, letters: DeadLetters) -> FastAPI:
    """``/livez``, ``/readyz`` and ``/metrics`` of a projector."""
    app = FastAPI(openapi_url=None)

    @app.get("/livez")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def ready() -> JSONResponse:
        try:
            sources = await gauge.measure()
            status = status_of(sources.values())
        except StoreUnavailable:
            sources, status = {}, UNAVAILABLE
        told = {"status": status, "sources": {name: told_of(of) for name, of in sources.items()}}
        is_ready = status in {READY, STALE}
        code = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse(told, status_code=code)

    app.include_router(projector_route(gauge, letters))
    return app


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def page_served(app: FastAPI, listening: socket.socket) -> AsyncIterator[None]:
    """Serve ``app`` on this socket while the block runs."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        try:
            yield
        finally:
            server.should_exit = True
