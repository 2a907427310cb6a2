"""Who is connected: so many at once, of one subject so many, and all of them sent away in time.

A gateway that is asked to stop sends its clients elsewhere one after the other, over the time that
it has: a thousand who come back to the next one in the same moment are its next trouble.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from gateway.errors import ErrorCode, RequestRefused
from gateway.live_options import LiveOptions
from gateway.metrics.live_counts import LiveCounts, Transport
from resolvers.viewer import ANYBODY, Role, Viewer

End = Callable[[], None]
"""Ends a connection because this gateway goes. Idempotent."""

DRAINED_RATIO: Final = 0.8
"""Share of the time for draining in which all are told to go: the rest is for their last words."""

COME_BACK_S: Final = 1.0
"""Seconds after which who is refused may come again."""


class Connections:
    """The sockets and event streams of one process."""

    def __init__(self, options: LiveOptions, counts: LiveCounts) -> None:
        self._options = options
        self._counts = counts
        self._ends: dict[End, None] = {}
        self._of_subjects: Counter[str] = Counter()
        self.is_draining = False

    @contextmanager
    def connected(self, transport: Transport, end: End) -> Iterator[None]:
        """Be connected inside the block; raises `RequestRefused` where there is no room."""
        if self.is_draining:
            raise _refusal(ErrorCode.OVERLOADED, "this gateway is going to stop: come again")
        if len(self._ends) >= self._options.connection_limit:
            raise _refusal(ErrorCode.OVERLOADED, "too many are connected: come again later")
        self._ends[end] = None
        self._counts.connections[transport] += 1
        try:
            yield
        finally:
            self._ends.pop(end, None)
            self._counts.connections[transport] -= 1

    @contextmanager
    def of(self, viewer: Viewer) -> Iterator[None]:
        """Likewise as one of this viewer's, whoever is told apart."""
        subject = viewer.subject
        if viewer == ANYBODY or viewer.role is Role.VISITOR:  # these may be anybody
            yield
            return
        if self._of_subjects[subject] >= self._options.subject_limit:
            raise RequestRefused(
                HTTPStatus.TOO_MANY_REQUESTS,
                ErrorCode.TOO_MANY_SUBSCRIPTIONS,
                "you are connected too often: close other pages",
                retry_after_s=COME_BACK_S,
            )
        self._of_subjects[subject] += 1
        try:
            yield
        finally:
            self._of_subjects[subject] -= 1
            if not self._of_subjects[subject]:
                del self._of_subjects[subject]

    def drain(self, duration_s: float) -> None:
        """Let nobody in any more, and send all away within this time. Needs a running loop."""
        if self.is_draining:
            return
        self.is_draining = True
        loop, count = asyncio.get_running_loop(), len(self._ends)
        for number, end in enumerate(tuple(self._ends)):
            loop.call_later(DRAINED_RATIO * duration_s * number / count, end)

    def end_all(self) -> None:
        """Send everybody away who is still there."""
        self.is_draining = True
        for end in tuple(self._ends):
            end()


def _refusal(code: ErrorCode, message: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, code, message, retry_after_s=COME_BACK_S)
