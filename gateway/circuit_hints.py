"""Gateways tell each other which of their circuits have opened, and closed again.

What is heard is a hint, never a command: it makes a gateway quicker to believe its own failures,
for a while, and no word can open or close a circuit here. So nothing is lost with a word that is
lost, nothing is signed, and whoever talks nonsense, or for ever, costs a few early breaks at worst.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from projections.errors import StoreUnavailable
from resolvers.upstream.circuit import CircuitState, Hint
from resolvers.upstream.published_circuit import CircuitChanged
from resolvers.upstream.transport import CallKind

WORD_LIMIT_BYTES: Final = 256
"""The longest word that is looked at; ours have about ninety bytes."""

UNTOLD_LIMIT: Final = 32
"""Changes that wait to be told (count): twice all the circuits there can be. The oldest leaves."""

HINTS: Final = {CircuitState.OPEN: Hint.OPEN, CircuitState.CLOSED: Hint.CLOSED}
"""The states that are told; that a circuit is being tried helps nobody."""


class Channel(Protocol):
    """Carries words between gateways, or loses them."""

    async def tell(self, word: bytes) -> None:
        """Tell all who listen, oneself included. Raises `StoreUnavailable`."""
        ...

    async def hear(self, listener: Callable[[bytes], None]) -> None:
        """Pass on every word that comes, for ever."""
        ...


class Hearer(Protocol):
    """A service's circuits."""

    def hear(self, kind: CallKind, hint: Hint) -> None:
        """Take what another gateway tells of its circuit for the hint it is."""
        ...


class _Word(Struct, frozen=True, rename="camel"):
    gateway: str
    service: str
    kind: CallKind
    state: Hint


class CircuitHints:
    """One gateway's part in it. Where there is no channel, changes are observed in vain."""

    def __init__(self) -> None:
        self._gateway = secrets.token_hex(8)
        self._untold: deque[_Word] = deque(maxlen=UNTOLD_LIMIT)
        self._has_news = asyncio.Event()

    def observe(self, change: CircuitChanged) -> None:
        """Take note of a change of our own, to be told."""
        hint = HINTS.get(change.after)
        if hint is not None:
            self._untold.append(_Word(self._gateway, change.service, change.kind, hint))
            self._has_news.set()

    async def run(self, channel: Channel, hearers: Mapping[str, Hearer]) -> None:
        """Tell what is observed and hear what others tell, by service, until cancelled."""
        async with asyncio.TaskGroup() as group:
            hearing = channel.hear(lambda word: self._take(word, hearers))
            group.create_task(hearing, name="hear of circuits")
            group.create_task(self._tell_all(channel), name="tell of circuits")

    async def _tell_all(self, channel: Channel) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            while self._untold:
                try:
                    await channel.tell(msgspec.json.encode(self._untold.popleft()))
                except StoreUnavailable:
                    self._untold.clear()  # told late, they would be of another time

    def _take(self, raw: bytes, hearers: Mapping[str, Hearer]) -> None:
        if len(raw) > WORD_LIMIT_BYTES:
            return
        try:
            word = msgspec.json.decode(raw, type=_Word)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        if word.gateway != self._gateway and word.service in hearers:
            hearers[word.service].hear(word.kind, word.state)
