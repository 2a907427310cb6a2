"""The way to the server: bounded connections, one timeout a call, failures translated once.

All keys share a hash tag, so even a cluster is one node to us: the one that ``MOVED`` names. That
leaves no work for a cluster client. Of redis-py there are the connections, with their handshake,
encryption and parser; its clients would double the cost of a call and bound nothing.

A call that is cancelled or late takes its connection along, so no answer ever meets another's
question.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import MovedError, NoScriptError, RedisError

from projections.errors import StoreUnavailable
from projections.redis_store.connections import (
    Argument,
    Connections,
    RedisConnection,
    Reply,
    reason_of,
)
from projections.redis_store.options import RedisOptions
from projections.redis_store.scripts import Script

HOP_LIMIT = 5
"""How often one call is sent on by a cluster (count): more is a ring."""


class Link:
    """Runs scripts on the server that holds our keys."""

    def __init__(self, options: RedisOptions) -> None:
        self._connections = Connections(options)
        self._places = asyncio.Semaphore(options.connection_limit)
        self._key = f"{options.tag}:generations"

    async def read(self, script: Script, *arguments: Argument, timeout_s: float) -> Reply:
        """Run a script that may run twice: it is, if a connection turns out to be long dead."""
        return await self._run(script, arguments, timeout_s=timeout_s, is_repeatable=True)

    async def write(self, script: Script, *arguments: Argument, timeout_s: float) -> Reply:
        """Run a script once. After `StoreUnavailable` it may have run or not."""
        return await self._run(script, arguments, timeout_s=timeout_s, is_repeatable=False)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[RedisConnection]:
        """A connection of one's own, beside the bound; raises what redis-py raises."""
        connection = await self._connections.open()
        try:
            yield connection
        finally:
            await connection.disconnect()

    async def keep_one_ready(self) -> None:
        """Have a connection open before the first read needs it, whose time is short."""
        async with self._places:
            await self._connections.give_back(await self._connections.take())

    def learn(self, addresses: Sequence[tuple[str, int]]) -> None:
        """These nodes are worth asking when the present one does not answer."""
        self._connections.learn(addresses)

    async def close(self) -> None:
        """Close what is open and unused; who still uses a connection closes it himself."""
        await self._connections.close()

    async def _run(
        self,
        script: Script,
        arguments: Sequence[Argument],
        *,
        timeout_s: float,
        is_repeatable: bool,
    ) -> Reply:
        try:
            async with asyncio.timeout(timeout_s), self._places:
                return await self._follow(script, arguments, is_repeatable=is_repeatable)
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {timeout_s:g} s") from None
        except (RedisError, OSError) as error:
            raise StoreUnavailable(reason_of(error)) from error

    async def _follow(
        self, script: Script, arguments: Sequence[Argument], *, is_repeatable: bool
    ) -> Reply:
        """Ask where the keys are, going where a cluster sends us."""
        for _ in range(HOP_LIMIT):
            connection = await self._connections.take()
            was_fresh = connection.is_fresh
            try:
                return await self._evaluate(connection, script, arguments)
            except MovedError as moved:
                self._connections.turn_to(moved.host, moved.port)
            except ConnectionLost:
                # The server was restarted, maybe: then all that are idle are dead as well.
                await self._connections.drop_idle()
                if was_fresh or not is_repeatable:
                    raise
            finally:
                await self._connections.give_back(connection)
        raise StoreUnavailable("the cluster sends us around in a ring")

    async def _evaluate(
        self, connection: RedisConnection, script: Script, arguments: Sequence[Argument]
    ) -> Reply:
        try:
            return await connection.ask("EVALSHA", script.sha, 1, self._key, *arguments)
        except NoScriptError:  # a new server, or one that was told to forget
            return await connection.ask("EVAL", script.source, 1, self._key, *arguments)
