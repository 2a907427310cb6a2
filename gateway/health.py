"""Is the process alive, is it ready for traffic, and how far behind is each source?"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from projections.errors import StoreUnavailable
from projections.store import Store

Lag = dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a gateway can tell of itself.

    ``store`` is None where there is no projection. ``is_shared``: it is not this process that
    projects, so others are no nearer to being ready. ``circuits`` gives the state of each.
    """

    store: Store | None
    is_shared: bool
    sources: tuple[str, ...]
    wall_clock: Callable[[], float]
    circuits: Callable[[], dict[str, str]]

    async def read(self) -> tuple[bool, dict[str, object]]:
        """Whether traffic should come here, and all there is to tell."""
        status, lag = "ready", dict[str, dict[str, object]]()
        if self.store is not None:
            try:
                lag = await read_lag(self.store, self.sources, self.wall_clock())
            except StoreUnavailable:
                status = "projection unavailable"
            else:
                status = "ready" if _has_caught_up(lag) else "catching up"
        told: dict[str, object] = {"status": status, "sources": lag, "circuits": self.circuits()}
        return status == "ready" or self.is_shared, told


def health_routes(app: FastAPI, health: Health) -> APIRouter:
    """``/livez`` and ``/readyz``.

    Ready means: every source has been read to its end once, where this process projects for
    itself. That is no outage: until then reads are composed live. Where the projection is shared,
    a gateway is ready whatever becomes of it: no other one would be better off. Who is asked to
    stop is not ready.
    """
    routes = APIRouter()

    @routes.get("/livez")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    async def ready() -> JSONResponse:
        is_ready, told = await health.read()
        if getattr(app.state, "is_draining", False):
            is_ready, told = False, {**told, "status": "stopping"}
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse(told, status_code=status)

    return routes


def _has_caught_up(lag: Lag) -> bool:
    return all(of_source["caughtUp"] for of_source in lag.values())


async def read_lag(store: Store, sources: tuple[str, ...], now_s: float) -> Lag:
    """By source: caught up once, events to go (None: not told), age of the last proof in ms.

    ``now_s`` is by the clock of the proofs (epoch s).
    """
    lag: Lag = {}
    positions = (await store.read(())).positions
    for source in sources:
        position = positions.get(source)
        if position is None:
            lag[source] = {"caughtUp": False, "remaining": None, "ageMs": None}
        else:
            age_s = max(0.0, now_s - position.proven_at_s)
            lag[source] = {
                "caughtUp": position.is_caught_up,
                "remaining": position.remaining_count,
                "ageMs": round(age_s * 1000),
            }
    return lag
