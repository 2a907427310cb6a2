"""Leaks planted on purpose, one with each call to a service that fails: what a soak must find."""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from resolvers.upstream.bulkhead import Bulkhead
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.layer import AnswerT
from resolvers.upstream.transport import Request, Response

Leak = Callable[[Upstream], None]

KEPT_TASKS: Final[list["asyncio.Task[bool]"]] = []
KEPT_BYTES: Final[list[bytes]] = []
LOST_BYTES: Final = 100_000


class LeakyUpstream(Upstream):
    """A service whose failed calls leave something behind."""

    leaks: ClassVar[tuple[Leak, ...]] = ()

    @classmethod
    def leaking(cls, leak: Leak) -> type["LeakyUpstream"]:
        """The class that leaks like this."""
        return type(cls.__name__, (cls,), {"leaks": (leak,)})

    async def call(
        self, request: Request, context: CallContext, parse: Callable[[Response], AnswerT]
    ) -> AnswerT:
        """As ever, but for what is left behind."""
        try:
            return await super().call(request, context, parse)
        except UpstreamError:
            for leak in self.leaks:
                leak(self)
            raise


def leave_a_task(_: Upstream) -> None:
    """Somebody waits for ever."""
    KEPT_TASKS.append(asyncio.ensure_future(left_behind()))


async def left_behind() -> bool:
    """Never ends."""
    return await asyncio.Event().wait()


def leave_a_descriptor(_: Upstream) -> None:
    """A file is opened and forgotten."""
    os.open(os.devnull, os.O_RDONLY)


def leave_a_place(upstream: Upstream) -> None:
    """A place on the wire is taken and never handed on."""
    for layer in upstream._layers:
        if isinstance(layer, Bulkhead):
            layer._in_flight_count += 1


def leave_memory(_: Upstream) -> None:
    """Something grows that nobody reads."""
    KEPT_BYTES.append(b"x" * LOST_BYTES)


LEAKS: Final[Mapping[str, Leak]] = {
    "task": leave_a_task,
    "descriptor": leave_a_descriptor,
    "place": leave_a_place,
    "memory": leave_memory,
}
