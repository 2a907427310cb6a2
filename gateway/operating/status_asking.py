"""Asks the store and the gateways how they are."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from gateway.freshness import Freshness, freshness_of
from gateway.operating.status_report import (
    GatewaySilent,
    GatewayStatus,
    PartitionStatus,
    ProjectionStatus,
    SourceStatus,
    Told,
)
from gateway.watcher import Hearing, HearingState
from projections.dead_letters import DeadLetters
from projections.generations import Generations
from projections.views import STALENESS_BUDGETS_S
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import Request

ANSWER_LIMIT_S = 2.0
"""How long a gateway may take to tell how it is (s); it has nobody to ask but its store."""


class StatusStore(Generations, DeadLetters, Protocol):
    """A store in generations that keeps what it had to park."""


AskGateway = Callable[[str], Coroutine[None, None, Told]]


MS: Final = 1000


class _Source(Struct, rename="camel"):
    caught_up: bool
    remaining: int | None = None
    age_ms: float | None = None
    budget_ms: float = min(STALENESS_BUDGETS_S.values()) * MS


class _Watcher(Struct):
    state: HearingState
    reason: str = ""


class _Ready(Struct):
    status: str
    sources: dict[str, _Source] = {}
    circuits: dict[str, str] = {}
    watcher: _Watcher | None = None


async def ask_store(
    store: StatusStore, budgets_s: Mapping[str, float], *, now_s: float
) -> ProjectionStatus:
    """All there is to know of the shared projection. Raises `StoreUnavailable`.

    ``budgets_s`` are the staleness budgets of its sources. Ages count up to ``now_s``, seconds
    since the Unix epoch.
    """
    told = [
        await _ask_source(store, source, budget_s, now_s) for source, budget_s in budgets_s.items()
    ]
    return ProjectionStatus(tuple(told), await store.dead_letter_count())


async def ask_gateway(url: str) -> Told:
    """What the gateway at ``url`` tells of itself; one that is not ready tells it too."""
    try:
        transport = HttpxTransport("gateway", UpstreamOptions(base_url=url))
    except ValueError as error:
        return GatewaySilent(url, str(error))
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            answer = await transport.send(Request("GET", "/readyz"))
        ready = msgspec.json.decode(answer.body, type=_Ready)
    except TimeoutError:
        return GatewaySilent(url, "does not answer in time")
    except UpstreamError:
        return GatewaySilent(url, "does not answer")
    except msgspec.MsgspecError:
        return GatewaySilent(url, "does not answer like a gateway")
    finally:
        await transport.aclose()
    return _status_of(url, ready)


async def ask_gateways(urls: Sequence[str], ask: AskGateway) -> tuple[Told, ...]:
    """All of them at once."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(url)) for url in urls]
    return tuple(task.result() for task in asked)


async def _ask_source(
    store: StatusStore, source: str, budget_s: float, now_s: float
) -> SourceStatus:
    positions = await store.positions(source)
    building = await (await store.building([source])).counts(source)
    partitions = sorted(positions, key=lambda partition: partition.index)
    return SourceStatus(
        source,
        tuple(
            PartitionStatus(p, positions[p], freshness_of(positions[p], budget_s, now_s))
            for p in partitions
        ),
        await store.counts(source),
        building if building.row_count else None,
    )


def _status_of(url: str, ready: _Ready) -> GatewayStatus:
    sources = {name: _freshness_of(source) for name, source in ready.sources.items()}
    heard = ready.watcher
    hearing = None if heard is None else Hearing(heard.state, heard.reason)
    return GatewayStatus(url, ready.status, sources, ready.circuits, hearing)


def _freshness_of(source: _Source) -> Freshness:
    age_s = None if source.age_ms is None else source.age_ms / MS
    return Freshness(source.caught_up, source.remaining, age_s, source.budget_ms / MS)
