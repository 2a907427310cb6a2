"""The wire to one service: requests arrive at its desk, and answers may be late or lost.

A write can be committed with its answer lost, get lost itself, or be committed long after its
sender has given up. Which of these comes next is told beforehand, so that a story can say it.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.transport import Request, Response
from tests.laws.proof.world.desks import Desk


class Fate(StrEnum):
    """What becomes of the next write."""

    ANSWER_LOST = "is committed, but its answer is lost"
    REQUEST_LOST = "is lost on the way"
    LATE = "arrives when its sender has given up"
    REFUSED = "is refused at the door"


@dataclass(slots=True)
class Wire:
    """`resolvers.upstream.transport.Transport` to a desk.

    ``delay_s``: how long answers take. ``is_cut``: nothing arrives. ``late``: writes still on their
    way. ``request_count`` counts what was sent; ``failed_at_s`` are the instants (s of the wall
    clock) of those that failed, or were not waited for.
    """

    desk: Desk
    delay_s: float = 0.0
    is_cut: bool = False
    fates: deque[Fate] = field(default_factory=deque)
    late: list[Request] = field(default_factory=list)
    request_count: int = 0
    failed_at_s: list[float] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        try:
            return await self._send(request)
        except (UpstreamUnavailable, asyncio.CancelledError):
            self.failed_at_s.append(self.desk.owner.wall_clock())
            raise

    async def _send(self, request: Request) -> Response:
        self.request_count += 1
        service = self.desk.owner.source
        if self.is_cut:
            raise UpstreamUnavailable(service)
        if request.is_mutation and self.fates:
            await self._meet(self.fates.popleft(), request)
        answer = self.desk.answer(request)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return answer

    def doom(self, fate: Fate) -> None:
        """Decide what becomes of the next write."""
        self.fates.append(fate)

    def arrive(self) -> None:
        """Let the oldest of the late writes arrive."""
        self.desk.answer(self.late.pop(0))

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def _meet(self, fate: Fate, request: Request) -> None:
        match fate:
            case Fate.REFUSED:
                raise UpstreamUnavailable(self.desk.owner.source)
            case Fate.ANSWER_LOST:
                self.desk.answer(request)
            case Fate.LATE:
                self.late.append(request)
            case Fate.REQUEST_LOST:
                pass
        await asyncio.Event().wait()
