"""Is the process alive, is it ready for traffic, and how far behind is each source?"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from gateway.admission.door import Crowd
from gateway.freshness import Freshness, FreshnessGauge
from gateway.garbage import Collected
from gateway.watcher import Hearing
from projections.errors import StoreUnavailable
from resolvers.speculation import GuessCounts

READY: Final = "ready"
STALE: Final = "stale"
CATCHING_UP: Final = "catching up"
UNAVAILABLE: Final = "projection unavailable"
STOPPING: Final = "stopping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a gateway can tell of itself.

    ``gauge`` is None where there is no projection. ``is_shared``: it is not this process that
    projects, so others are no nearer to being ready. ``circuits`` gives the state of each;
    ``guesses`` is None where nothing is guessed.
    """

    gauge: FreshnessGauge | None
    is_shared: bool
    circuits: Callable[[], dict[str, str]]
    crowd: Callable[[], Crowd]
    guesses: GuessCounts | None
    collected: Callable[[], Collected]

    async def read(self) -> tuple[bool, dict[str, object]]:
        """Whether traffic should come here, and all there is to tell."""
        status, sources = READY, dict[str, Freshness]()
        if self.gauge is not None:
            try:
                sources = await self.gauge.measure()
            except StoreUnavailable:
                status = UNAVAILABLE
            else:
                status = status_of(sources.values())
        told: dict[str, object] = {
            "status": status,
            "sources": {source: told_of(freshness) for source, freshness in sources.items()},
            "circuits": self.circuits(),
            "admission": _crowded(self.crowd()),
            "process": _running(self.collected()),
        }
        if self.gauge is not None and self.gauge.watcher is not None:
            told["watcher"] = _heard(self.gauge.watcher.hearing)
        if self.guesses is not None:
            told["guesses"] = asdict(self.guesses)
        return self.is_shared or status in {READY, STALE}, told


def health_routes(app: FastAPI, health: Health) -> APIRouter:
    """``/livez`` and ``/readyz``.

    Ready means: every source has been read to its end once, where this process projects for
    itself. That is no outage: until then reads are composed live. Where the projection is shared,
    a gateway is ready whatever becomes of it: no other one would be better off. Who is asked to
    stop is not ready.

    A staleness budget that is spent makes the status ``stale`` and not the gateway unready. Its
    reads go live then and are right; and what has died is a service, its relay or the way to it,
    which every other gateway misses as well: to take them all out of rotation would make slower
    reads into none. Nor is a gateway unready that sheds load: the others would get its share, and
    be the next. These two routes are never refused.
    """
    routes = APIRouter()

    @routes.get("/livez")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    async def ready() -> JSONResponse:
        is_ready, told = await health.read()
        if getattr(app.state, "is_draining", False):
            is_ready, told = False, {**told, "status": STOPPING}
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse(told, status_code=status)

    return routes


def status_of(sources: Iterable[Freshness]) -> str:
    """What these say together."""
    measured = tuple(sources)
    if not all(freshness.is_caught_up for freshness in measured):
        return CATCHING_UP
    return STALE if any(freshness.is_spent for freshness in measured) else READY


def told_of(freshness: Freshness) -> Mapping[str, object]:
    """``remaining`` is None where the source tells no count, ``ageMs`` before the first proof."""
    age_s = freshness.age_s
    return {
        "caughtUp": freshness.is_caught_up,
        "remaining": freshness.remaining_count,
        "ageMs": None if age_s is None else round(age_s * 1000),
        "budgetMs": round(freshness.budget_s * 1000),
        "isSpent": freshness.is_spent,
    }


def _crowded(crowd: Crowd) -> Mapping[str, object]:
    return {
        "inFlight": crowd.in_flight_count,
        "waiting": crowd.waiting_count,
        "isShedding": crowd.is_shedding,
    }


def _running(collected: Collected) -> Mapping[str, object]:
    """Which process answers, for where several share a port, and how its collections went."""
    return {
        "id": os.getpid(),
        "collections": collected.round_count,
        "lastPauseMs": round(collected.last_pause_s * 1000, 1),
        "longestPauseMs": round(collected.longest_pause_s * 1000, 1),
    }


def _heard(hearing: Hearing) -> Mapping[str, object]:
    reason = {"reason": hearing.reason} if hearing.reason else {}
    return {"state": hearing.state.value, **reason}
