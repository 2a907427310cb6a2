"""Gateways tell each other of their circuits: hints arrive, nonsense does not, nobody relies on it.

With a channel at hand, and once over a real server.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import respx

from gateway.beside import running
from gateway.circuit_hints import UNTOLD_LIMIT, WORD_LIMIT_BYTES, Channel, CircuitHints
from projections.errors import StoreUnavailable
from projections.redis_store import RedisStore
from projections.redis_store.options import RedisOptions
from resolvers.upstream.call import Upstream
from resolvers.upstream.circuit import CircuitState, Hint
from resolvers.upstream.options import RetryOptions, UpstreamOptions
from resolvers.upstream.published_circuit import CircuitChanged
from resolvers.upstream.transport import CallKind
from tests.gateway.front_door import open_door
from tests.projections.redis_watched import Collected
from tests.resolvers.upstream.builders import ask, let_everybody_run

Heard = tuple[str, CallKind, Hint]
OPENED = CircuitChanged("orders", CallKind.READ, CircuitState.CLOSED, CircuitState.OPEN)
TRIED = CircuitChanged("orders", CallKind.READ, CircuitState.OPEN, CircuitState.HALF_OPEN)
CLOSED_AGAIN = CircuitChanged("orders", CallKind.READ, CircuitState.HALF_OPEN, CircuitState.CLOSED)


class ChannelAtHand:
    """Carries every word at once to all who listen."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[bytes], None]] = []
        self.is_down = False
        self.words: list[bytes] = []

    async def tell(self, word: bytes) -> None:
        if self.is_down:
            raise StoreUnavailable("made by a test")
        self.words.append(word)
        for listener in self.listeners:
            listener(word)

    async def hear(self, listener: Callable[[bytes], None]) -> None:
        self.listeners.append(listener)
        await asyncio.Event().wait()


@dataclass
class Service:
    """Notes what it is told of its circuits."""

    name: str
    heard: Collected[Heard] = field(default_factory=Collected)

    def hear(self, kind: CallKind, hint: Hint) -> None:
        self.heard.tell((self.name, kind, hint))


@dataclass
class Gateway:
    """One gateway's hints, and what its orders service hears."""

    hints: CircuitHints
    orders: Service

    @property
    def heard(self) -> list[Heard]:
        return self.orders.heard.told


@asynccontextmanager
async def listening_gateway(channel: Channel) -> AsyncIterator[Gateway]:
    gateway = Gateway(CircuitHints(), Service("orders"))
    async with running(gateway.hints.run(channel, {"orders": gateway.orders})):
        await let_everybody_run()
        yield gateway


async def test_a_circuit_that_opens_is_told_to_the_other_gateways_alone() -> None:
    """Open and closed again are told, in order, and never to oneself; a trial is not told."""
    channel = ChannelAtHand()
    async with listening_gateway(channel) as ours, listening_gateway(channel) as theirs:
        for change in (OPENED, TRIED, CLOSED_AGAIN):
            ours.hints.observe(change)
        await let_everybody_run()

    assert theirs.heard == [
        ("orders", CallKind.READ, Hint.OPEN),
        ("orders", CallKind.READ, Hint.CLOSED),
    ]
    assert ours.heard == []


@pytest.mark.parametrize(
    "word",
    [
        b"",
        b"\xff",
        b"null",
        b'{"gateway": "g", "service": "orders", "kind": "read"}',
        b'{"gateway": "g", "service": "orders", "kind": "everything", "state": "open"}',
        b'{"gateway": "g", "service": "orders", "kind": "read", "state": "half-open"}',
        b'{"gateway": "g", "service": "payments", "kind": "read", "state": "open"}',
        b'{"gateway": "g", "service": "orders", "kind": "read", "state": "open"'
        + b" " * WORD_LIMIT_BYTES
        + b"}",
    ],
)
async def test_nonsense_is_not_heard(word: bytes) -> None:
    """What is no word of ours, of no service or kind we know, or too long, changes nothing."""
    channel = ChannelAtHand()
    async with listening_gateway(channel) as gateway:
        await channel.tell(word)
        await channel.tell(
            b'{"gateway": "g", "service": "orders", "kind": "list", "state": "open"}'
        )

    assert gateway.heard == [("orders", CallKind.LIST, Hint.OPEN)]


async def test_what_cannot_be_told_is_forgotten() -> None:
    """A change during an outage of the channel is not told after it; the next one is."""
    channel = ChannelAtHand()
    async with listening_gateway(channel) as ours, listening_gateway(channel) as theirs:
        channel.is_down = True
        ours.hints.observe(OPENED)
        await let_everybody_run()
        channel.is_down = False
        ours.hints.observe(CLOSED_AGAIN)
        await let_everybody_run()

    assert theirs.heard == [("orders", CallKind.READ, Hint.CLOSED)]


async def test_without_a_channel_changes_do_not_pile_up() -> None:
    """A gateway that is not listened to yet keeps the newest changes, and a bounded number."""
    channel, hints = ChannelAtHand(), CircuitHints()
    for _ in range(10 * UNTOLD_LIMIT):
        hints.observe(OPENED)
    hints.observe(CLOSED_AGAIN)

    async with running(hints.run(channel, {})):
        await let_everybody_run()

    assert len(channel.words) == UNTOLD_LIMIT
    assert b'"closed"' in channel.words[-1]


@pytest.mark.steered_time
async def test_a_gateway_believes_its_own_three_failures_when_another_has_opened() -> None:
    """Twenty failures of one gateway save the other seventeen of its own, and open nothing."""
    channel, router = ChannelAtHand(), respx.Router(assert_all_called=False)
    service = router.route(host="orders.test").respond(500)
    network = httpx.MockTransport(router.async_handler)
    upstreams, states = list[Upstream](), list[str]()
    async with asyncio.TaskGroup() as group:
        parts = [CircuitHints(), CircuitHints()]
        for hints in parts:
            options = UpstreamOptions(
                base_url="http://orders.test", retry=RetryOptions(limit_count=0)
            )
            upstream = Upstream.over_http(
                "orders", options, innermost=network, observe=hints.observe
            )
            upstreams.append(upstream)
        tasks = [
            group.create_task(hints.run(channel, {"orders": upstream}))
            for hints, upstream in zip(parts, upstreams, strict=True)
        ]
        await let_everybody_run()

        for _ in range(20):
            await ask(upstreams[0])
        await let_everybody_run()
        for _ in range(3):
            states.append(upstreams[1].circuit_states[CallKind.READ])
            await ask(upstreams[1])
        states.append(upstreams[1].circuit_states[CallKind.READ])
        for task in tasks:
            task.cancel()

    assert states == ["closed", "closed", "closed", "open"]
    assert service.call_count == 23
    for upstream in upstreams:
        await upstream.aclose()


async def test_hints_go_over_the_server_of_the_store(redis_url: str) -> None:
    """Two gateways over one server: what opens in one is heard of in the other, and not by it."""
    options = RedisOptions(url=redis_url, connect_timeout_s=5.0)
    heard = ("orders", CallKind.READ, Hint.OPEN)
    async with (
        listening_gateway(RedisStore(options).words("circuits")) as ours,
        listening_gateway(RedisStore(options).words("circuits")) as theirs,
        asyncio.TaskGroup() as group,
    ):
        telling = group.create_task(tell_until_heard(ours.hints))
        await theirs.orders.heard.until_told(heard)
        telling.cancel()

    assert set(theirs.heard) == {heard}
    assert ours.heard == []


async def test_gateways_over_one_store_are_wired_to_each_other(redis_url: str) -> None:
    """What becomes of a circuit of one reaches that of the other, which three failures then open.

    Without a hint it would be closed: twenty are needed.
    """
    over_one_store = {"events": "feed", "store": "redis", "redis_url": redis_url}
    async with open_door(**over_one_store) as one, open_door(**over_one_store) as other:
        other.twins.orders.mock(return_value=httpx.Response(500))
        async with asyncio.timeout(20.0):
            while not other.gateway.upstreams["orders"].circuit_states:
                one.gateway.telemetry.circuit(OPENED)
                await asyncio.sleep(0.02)
        for _ in range(3):
            await other.ask('{ order(id: "o-1", consistency: {live: true}) { id } }')
        ready = await other.client.get("/readyz")

    assert ready.json()["circuits"]["orders.read"] == "open"


async def tell_until_heard(hints: CircuitHints) -> None:
    """A word is lost on whoever has not subscribed yet, so it is said again."""
    while True:
        hints.observe(OPENED)
        await asyncio.sleep(0.02)
