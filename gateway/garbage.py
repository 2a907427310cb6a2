"""Garbage in circles, collected when the process has time for it.

Most of what a request makes is gone with its last reader. What libraries tie into circles (the
validator of graphql-core, sockets of asyncio) waits for a full collection, which stops the loop and
takes the longer the more is alive: two seconds with a million rows. So what has been loaded is
frozen, out of the collector's sight, and the rest is looked through when nobody would notice, never
in an overload. For a serving process: what it changes is the collector of the whole process.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final

from gateway.admission.door import Crowd
from resolvers.upstream.ranges import Between, require_ranges

NEVER_COUNT: Final = 1_000
"""Collections of the middle generation before the collector looks at the old one by itself: after
two hundred million objects that stayed, so that an overload of hours does not end the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbageOptions:
    """When garbage in circles is collected."""

    is_on: bool = True
    """Off, it waits for the collector's own full collection, which hardly ever comes: the control
    of the measurements."""

    every_s: Annotated[float, Between(1, 3_600)] = 20.0
    """Seconds from one collection to the next. Twenty: ten minutes of faults grow by nothing, and
    ten milliseconds are a two-thousandth of them."""

    patience_s: Annotated[float, Between(0, 3_600)] = 40.0
    """Seconds that a collection waits for a quiet moment before a moment without a queue will do.
    Forty: a process that is never quiet collects once a minute."""

    quiet_limit: Annotated[int, Between(0, 1_000)] = 2
    """Operations in flight at most in a quiet moment. Two: who waits for other services hardly
    notices, and there are few of them."""

    look_s: Annotated[float, Between(0.01, 10)] = 0.1
    """Seconds between two looks for such a moment. A tenth: many within one request's deadline."""

    long_pause_s: Annotated[float, Between(0.001, 10)] = 0.05
    """Processor time (s) of a collection after which what it left is frozen too. Fifty
    milliseconds: some thirty thousand rows that came since, and will stay as those before them."""

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, slots=True)
class Collected:
    """What has been collected so far: rounds, objects, and the last pause and the longest (s)."""

    round_count: int = 0
    object_count: int = 0
    last_pause_s: float = 0.0
    longest_pause_s: float = 0.0

    def after(self, object_count: int, pause_s: float) -> "Collected":
        """With one more round."""
        return Collected(
            self.round_count + 1,
            self.object_count + object_count,
            pause_s,
            max(pause_s, self.longest_pause_s),
        )


def may_pause(crowd: Crowd, options: GarbageOptions, *, waited_s: float) -> bool:
    """Is this a moment for a collection that has been due for so long?"""
    if crowd.waiting_count or crowd.is_shedding:
        return False
    return crowd.in_flight_count <= options.quiet_limit or waited_s >= options.patience_s


class GarbageRounds:
    """Collects the garbage of this process. ``loaded`` returns when what is to stay has come."""

    def __init__(
        self,
        options: GarbageOptions,
        *,
        crowd: Callable[[], Crowd],
        loaded: Callable[[], Awaitable[None]],
    ) -> None:
        self._options = options
        self._crowd = crowd
        self._loaded = loaded
        self.collected = Collected()

    async def run(self) -> None:
        """Collect until cancelled; then the collector is as it was, and what is frozen stays so."""
        if not self._options.is_on:
            return
        young, middle, old = gc.get_threshold()
        gc.set_threshold(young, middle, NEVER_COUNT)
        try:
            await self._loaded()
            # Not collected before, which would be the pause that freezing is to spare. The garbage
            # of one start stays with it.
            gc.freeze()
            while True:
                await asyncio.sleep(self._options.every_s)
                await self._moment()
                self._collect()
        finally:
            gc.set_threshold(young, middle, old)

    async def _moment(self) -> None:
        """Return in the first moment in which a pause may be."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        # Looked for: the door would have to count who comes and goes, for one look in 20 s.
        while not may_pause(self._crowd(), self._options, waited_s=loop.time() - due_s):  # noqa: ASYNC110 - as said
            await asyncio.sleep(self._options.look_s)

    def _collect(self) -> None:
        began_s = time.thread_time()  # the machine's other work makes no pause of ours long
        object_count = gc.collect()
        pause_s = time.thread_time() - began_s
        self.collected = self.collected.after(object_count, pause_s)
        if pause_s > self._options.long_pause_s:
            gc.freeze()
