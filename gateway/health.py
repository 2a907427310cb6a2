"""Is the process alive, is it ready for traffic, and how far behind is each source?"""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from projections.store import Store

Lag = dict[str, dict[str, object]]


def health_routes(
    store: Store | None, sources: tuple[str, ...], wall_clock: Callable[[], float]
) -> APIRouter:
    """``/livez`` and ``/readyz``. Ready means: every source has been read to its end once.

    Not being ready is no outage: until then reads are composed live. ``store`` is None where there
    is no projection, which is always ready.
    """
    routes = APIRouter()

    @routes.get("/livez")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    async def ready() -> JSONResponse:
        lag = {} if store is None else await read_lag(store, sources, wall_clock())
        is_ready = all(of_source["caughtUp"] for of_source in lag.values())
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        body = {"status": "ready" if is_ready else "catching up", "sources": lag}
        return JSONResponse(body, status_code=status)

    return routes


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
