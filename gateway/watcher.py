"""Does this gateway hear what is written to the shared store?

Nothing relies on it: whoever waits looks for himself, and rows at hand are dropped or left aside.
But a gateway that hears nothing reads more than it has to and keeps its clients waiting, so it is
to be seen. Two things show it: the subscription is lost and says so, or it stands and nothing comes
by it, though the store has been written to. Heartbeats alone write to it every second.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from projections.redis_store.cuts import Stamp
from projections.redis_store.news import News
from projections.redis_store.signals import RedisSignal, StoreLost, StoreRecovered

PATIENCE_S: Final = 1.0
"""How long news may be on their way (s): a thousand times what they take."""

NOTHING_COMES: Final = "nothing is heard of what is written to the store"


class HearingState(StrEnum):
    """Whether news arrive."""

    STARTING = "starting"
    LISTENING = "listening"
    DEAF = "deaf"


@dataclass(frozen=True, slots=True)
class Hearing:
    """How the watcher is; ``reason`` is why it is deaf, else empty."""

    state: HearingState
    reason: str = ""


class StoreWatcher:
    """Follows the news of a `RedisStore`, its signals, and how far others see it written."""

    def __init__(self) -> None:
        self._lost_because: str | None = None
        self._has_subscribed = False
        self._known: Stamp | None = None
        self._unheard_since_s: float | None = None

    @property
    def hearing(self) -> Hearing:
        """How it is now."""
        if self._lost_because is not None:
            return Hearing(HearingState.DEAF, self._lost_because)
        if not self._has_subscribed:
            return Hearing(HearingState.STARTING)
        since_s = self._unheard_since_s
        if since_s is not None and _now_s() - since_s > PATIENCE_S:
            return Hearing(HearingState.DEAF, NOTHING_COMES)
        return Hearing(HearingState.LISTENING)

    def observe(self, signal: RedisSignal) -> None:
        """Take in what the store tells of its server."""
        match signal:
            case StoreLost(reason=reason):
                self._lost_because = reason
            case StoreRecovered():
                self._lost_because = None
            case _:
                pass

    def follow(self, news: News | None) -> None:
        """Take in one write; None: some may have been missed, as at each new subscription."""
        self._has_subscribed = self._has_subscribed or self._lost_because is None
        self._known = None if news is None else news.stamp
        self._unheard_since_s = None

    def compare(self, written: Stamp | None) -> None:
        """Take in how far the store has been written, as somebody has just read there.

        What had been written before the subscription is not heard of, and need not be.
        """
        known = self._known
        if written is None or known is None or known.incarnation != written.incarnation:
            self._known, self._unheard_since_s = written, None
        elif written.sequence > known.sequence and self._unheard_since_s is None:
            self._unheard_since_s = _now_s()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
