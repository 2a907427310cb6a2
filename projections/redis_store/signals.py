"""What the Redis store tells its observer of the server it found."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreLost:
    """The server does not answer, or has dropped us; it is asked again for ever."""

    reason: str


@dataclass(frozen=True, slots=True)
class StoreRecovered:
    """The server answers again; whoever waits has been told to look for himself."""


@dataclass(frozen=True, slots=True)
class AnnouncementsMissed:
    """The news have a hole, or tell of another server's past: everybody looks for himself."""


@dataclass(frozen=True, slots=True)
class EvictionPolicyUnsafe:
    """The server would drop rows when its memory is full: it needs ``noeviction``."""

    policy: str


@dataclass(frozen=True, slots=True)
class PersistenceOff:
    """The server keeps nothing over a restart: every read model would be read again from logs."""


@dataclass(frozen=True, slots=True)
class ServerTooOld:
    """The server is older than 7, and our scripts need what came with it."""

    version: str


@dataclass(frozen=True, slots=True)
class ServerUnchecked:
    """The server does not let us see its settings; nobody knows whether it would drop rows."""

    reason: str


RedisSignal = (
    StoreLost
    | StoreRecovered
    | AnnouncementsMissed
    | EvictionPolicyUnsafe
    | PersistenceOff
    | ServerTooOld
    | ServerUnchecked
)
RedisObserver = Callable[[RedisSignal], None]


def ignore(_: RedisSignal) -> None:
    """Observe nothing."""
