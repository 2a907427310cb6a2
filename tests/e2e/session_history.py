"""What one session has written and seen, and which of its reads broke a promise. Pure.

Read-your-writes: no read shows a version below one that this session wrote. Monotonic reads: no
read shows a version below one that this session was shown. A thing that is missing has version 0.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

Key = tuple[str, str]
"""Kind and id of an aggregate."""


class Broken(StrEnum):
    """The promises that a read can break."""

    READ_YOUR_WRITES = "read your writes"
    MONOTONIC_READS = "monotonic reads"


@dataclass(slots=True)
class SessionHistory:
    """The newest version written and seen of each aggregate, and the promises broken so far."""

    written: dict[Key, int] = field(default_factory=dict)
    seen: dict[Key, int] = field(default_factory=dict)
    broken: Counter[Broken] = field(default_factory=Counter)
    read_count: int = 0

    def write(self, key: Key, version: int) -> None:
        """The owner has confirmed this write."""
        self.written[key] = max(version, self.written.get(key, 0))

    def read(self, key: Key, version: int) -> None:
        """This version was shown; 0 where there was nothing."""
        self.read_count += 1
        if version < self.written.get(key, 0):
            self.broken[Broken.READ_YOUR_WRITES] += 1
        if version < self.seen.get(key, 0):
            self.broken[Broken.MONOTONIC_READS] += 1
        self.seen[key] = max(version, self.seen.get(key, 0))
