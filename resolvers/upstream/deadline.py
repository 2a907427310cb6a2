"""The point in time at which a request's answer is wanted or not needed any more.

A deadline is made once, at the door, and handed down; every wait ends at it and nothing starts
after it. It is a point on the running event loop's clock, so it can neither jump with the wall
clock nor be carried to another process: upstreams are told the milliseconds left instead.
"""

import asyncio
from typing import Self

from msgspec import Struct


class Deadline(Struct, frozen=True):
    """A point in event-loop time; `at_s` is comparable with `loop.time()`."""

    at_s: float

    @classmethod
    def after(cls, timeout_s: float) -> Self:
        """Return the deadline `timeout_s` seconds from now; needs a running loop."""
        return cls(asyncio.get_running_loop().time() + timeout_s)

    def remaining_s(self) -> float:
        """Return the seconds left, negative once the deadline has passed."""
        return self.at_s - asyncio.get_running_loop().time()

    def has_passed(self) -> bool:
        return self.remaining_s() <= 0
