"""Connections to the server: opened, kept while idle, thrown away when in doubt.

Which node is asked is decided here: the first of the known ones. A cluster sends us to the right
one with ``MOVED``; when the first cannot be reached, the next is tried, and it will know.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from projections.redis_store.options import RedisOptions

Address: TypeAlias = tuple[str, int]
Argument: TypeAlias = str | bytes | int
Reply: TypeAlias = "bytes | int | list[Reply] | None"

DEFAULT_PORT: Final = 6379

REASONS: Final[dict[type[Exception], str]] = {
    OutOfMemoryError: "the server is full",
    ReadOnlyError: "the server is a replica",
    AuthenticationError: "the server does not let us in",
    NoPermissionError: "the server does not let us do this",
    BusyLoadingError: "the server is loading its file",
    AskError: "the cluster is moving our keys",
    TryAgainError: "the cluster is moving our keys",
    ClusterDownError: "the cluster is down",
    ResponseError: "the server refused a script",
}
"""What is told of an error: most specific first; no names of hosts. All others: not reachable."""


def reason_of(error: Exception) -> str:
    """Why the store cannot be asked, in words that may be shown."""
    told = (reason for kind, reason in REASONS.items() if isinstance(error, kind))
    return next(told, "the server cannot be reached")


class RedisConnection:
    """One connection, and the node it leads to. ``is_fresh`` until its first answer."""

    def __init__(self, connection: AbstractConnection, address: Address | None) -> None:
        self._connection = connection
        self.address = address
        self.is_fresh = True

    @property
    def is_open(self) -> bool:
        return bool(self._connection.is_connected)

    async def is_reusable(self) -> bool:
        """Whether it is open, with nothing on it that nobody asked for."""
        try:
            return self.is_open and not await self._connection.can_read()
        except RedisError:
            return False

    async def ask(self, *command: Argument) -> Reply:
        """One command and its answer. Interrupted, it closes the connection."""
        await self.tell(*command)
        answer: Reply = await self._connection.read_response()
        self.is_fresh = False
        return answer

    async def tell(self, *command: Argument) -> None:
        """One command whose answer is heard later."""
        packed = self._connection.pack_command(*command)
        await self._connection.send_packed_command(packed, check_health=False)

    async def hear(self, timeout_s: float) -> Reply:
        """The next that comes unasked; None when nothing comes within ``timeout_s``."""
        heard: Reply = await self._connection.read_response(
            timeout=timeout_s, disconnect_on_error=False
        )
        return heard

    async def disconnect(self) -> None:
        await self._connection.disconnect(nowait=True)


class Connections:
    """Opens connections and keeps those nobody uses. Bounding them is the caller's."""

    def __init__(self, options: RedisOptions) -> None:
        arguments: dict[str, Any] = {**parse_url(options.url)}
        self._kind: type[AbstractConnection] = arguments.pop("connection_class", Connection)
        self._timeout_s = options.connect_timeout_s
        self._addresses: deque[Address] = deque()
        if "path" not in arguments:
            address = arguments.pop("host", "localhost"), arguments.pop("port", DEFAULT_PORT)
            self._addresses.append(address)
        # RESP2: scripts answer in lists, and news come as plain answers, which can be waited for.
        self._arguments = arguments | {
            "protocol": 2,
            "driver_info": None,
            "socket_timeout": None,  # timeouts are ours, of whole calls
            "socket_connect_timeout": options.connect_timeout_s,
        }
        self._idle: list[RedisConnection] = []

    @property
    def address(self) -> Address | None:
        """The node that is asked now; None of a socket in the file system."""
        return self._addresses[0] if self._addresses else None

    def learn(self, addresses: Sequence[Address]) -> None:
        """Know these nodes as well."""
        self._addresses.extend(a for a in addresses if a not in self._addresses)

    def turn_to(self, host: str, port: int) -> None:
        """From now on ask this node; an empty ``host`` is the present one's."""
        address = host or (self._addresses[0][0] if self._addresses else ""), port
        if address in self._addresses:
            self._addresses.remove(address)
        self._addresses.appendleft(address)

    async def take(self) -> RedisConnection:
        """One that was idle and still is, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.address == self.address and await connection.is_reusable():
                return connection
            await connection.disconnect()
        return await self.open()

    async def give_back(self, connection: RedisConnection) -> None:
        if connection.is_open and connection.address == self.address:
            self._idle.append(connection)
        else:
            await connection.disconnect()

    async def open(self) -> RedisConnection:
        """A new one. Where this fails, the next known node is asked the next time."""
        address = self.address
        where: dict[str, Any] = {} if address is None else {"host": address[0], "port": address[1]}
        connection = self._kind(**self._arguments, **where)
        try:
            async with asyncio.timeout(self._timeout_s):
                await connection.connect_check_health()
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error, (RedisError, OSError)):
                self._addresses.rotate(-1)
            raise
        return RedisConnection(connection, address)

    async def drop_idle(self) -> None:
        while self._idle:
            await self._idle.pop().disconnect()

    async def close(self) -> None:
        """Keep nothing."""
        await self.drop_idle()
