"""The clocks of a simulated house: the loop's, which jumps ahead when idle, and the wall's."""

import asyncio

STARTED_AT_S = 1_800_000_000.0
"""The wall clock (epoch s) when the loop's shows 0: a full minute."""


class WallClock:
    """Epoch seconds on an `async_solipsism` loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self) -> float:
        return STARTED_AT_S + self._loop.time()

    def set_ahead(self, duration_s: float) -> None:
        """Set both clocks ahead, as if the house had been asleep: what was due meanwhile is due."""
        vars(self._loop)["_selector"].clock.advance(duration_s)
