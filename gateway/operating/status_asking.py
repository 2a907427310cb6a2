"""Asks the store and the gateways how they are."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from gateway.operating.status_report import (
    GatewaySilent,
    GatewayStatus,
    PartitionStatus,
    ProjectionStatus,
    SourceLag,
    SourceStatus,
    Told,
)
from projections.dead_letters import DeadLetters
from projections.generations import Generations
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import Request

ANSWER_LIMIT_S = 2.0
"""How long a gateway may take to tell how it is (s); it has nobody to ask but its store."""


class StatusStore(Generations, DeadLetters, Protocol):
    """A store in generations that keeps what it had to park."""


AskGateway = Callable[[str], Coroutine[None, None, Told]]


class _Lag(Struct, rename="camel"):
    caught_up: bool
    remaining: int | None = None
    age_ms: float | None = None


class _Ready(Struct):
    status: str
    sources: dict[str, _Lag] = {}
    circuits: dict[str, str] = {}


async def ask_store(
    store: StatusStore, sources: Sequence[str], *, now_s: float
) -> ProjectionStatus:
    """All there is to know of the shared projection. Raises `StoreUnavailable`.

    Ages count up to ``now_s``, seconds since the Unix epoch.
    """
    told = [await _ask_source(store, source, now_s) for source in sources]
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
    sources = {name: _lag_of(lag) for name, lag in ready.sources.items()}
    return GatewayStatus(url, ready.status, sources, ready.circuits)


async def ask_gateways(urls: Sequence[str], ask: AskGateway) -> tuple[Told, ...]:
    """All of them at once."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(url)) for url in urls]
    return tuple(task.result() for task in asked)


async def _ask_source(store: StatusStore, source: str, now_s: float) -> SourceStatus:
    positions = await store.positions(source)
    building = await (await store.building([source])).counts(source)
    partitions = sorted(positions, key=lambda partition: partition.index)
    return SourceStatus(
        source,
        tuple(PartitionStatus.of(p, positions[p], now_s) for p in partitions),
        await store.counts(source),
        building if building.row_count else None,
    )


def _lag_of(lag: _Lag) -> SourceLag:
    return SourceLag(
        lag.caught_up, lag.remaining, None if lag.age_ms is None else lag.age_ms / 1000
    )
