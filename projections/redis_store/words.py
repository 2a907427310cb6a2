"""Words that processes tell each other over the store's server, beside the rows.

A word reaches whoever listens at that moment, and nobody else ever: no copy is kept, none is
numbered, and who was away is not told that he missed one. So a word may only be one that nobody
relies on. Both ways use connections of their own: what goes wrong here keeps no read waiting and no
news from coming.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from redis.exceptions import RedisError

from projections.errors import StoreUnavailable
from projections.redis_store.connections import reason_of
from projections.redis_store.link import Link

QUIET_S: Final = 5.0
"""After so long without a word (s) the server is asked for a sign of life: nobody is in a hurry."""

LONGEST_PAUSE_S: Final = 1.0
"""Between two attempts to listen (s), with jitter of a half: as long as a hint may well be late."""


class Words:
    """One channel. ``timeout_s`` bounds opening a connection, and telling."""

    def __init__(self, link: Link, channel: str, *, timeout_s: float) -> None:
        self._link = link
        self._channel = channel
        self._timeout_s = timeout_s

    async def tell(self, word: bytes) -> None:
        """Tell all who listen, oneself included. Raises `StoreUnavailable`."""
        try:
            async with asyncio.timeout(self._timeout_s), self._link.connection() as connection:
                await connection.ask("PUBLISH", self._channel, word)
        except (RedisError, OSError) as error:
            raise StoreUnavailable(reason_of(error)) from error

    async def hear(self, listener: Callable[[bytes], None]) -> None:
        """Pass on every word that comes, for ever; ``listener`` must not raise."""
        while True:
            with suppress(RedisError, OSError):
                await self._hear_until_lost(listener)
            await asyncio.sleep(random.uniform(LONGEST_PAUSE_S / 2, LONGEST_PAUSE_S))

    async def _hear_until_lost(self, listener: Callable[[bytes], None]) -> None:
        async with self._link.connection() as connection:
            async with asyncio.timeout(self._timeout_s):
                await connection.ask("SUBSCRIBE", self._channel)
            is_asked = False
            while True:
                heard = await connection.hear(QUIET_S)
                match heard:
                    case [b"message", _, bytes(word)]:
                        listener(word)
                    case None if is_asked:
                        raise TimeoutError("no sign of life")
                    case None:
                        await connection.tell("PING")
                    case _:  # the sign of life
                        pass
                is_asked = heard is None
