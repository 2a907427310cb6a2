"""Events that could not be read: kept with the reason, replayed when they can be, or given up.

A dead letter says why its aggregate is read live. It is written by the same `apply` that parks the
event. Replaying it applies the event under the version gate, as if it came now; giving it up
changes no row: the aggregate stays live until a newer state comes, since the row without the event
is too old to be shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from projections.events import StateChange
from projections.projector import Parked, Verdict
from projections.versions import AggregateKey, Version

LETTER_LIMIT = 10_000
"""Letters kept (count); the oldest give way. A flood of them stops the consumer long before."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One parked event. ``until``: a row at least this new needs it no more. ``raw``: as it came.

    ``partition`` and ``cursor`` say where it lies: in the batch that reached that position.
    """

    key: AggregateKey
    until: Version
    reason: str
    raw: bytes
    partition: str
    cursor: str
    parked_at_s: float

    @classmethod
    def of(cls, parked: Parked, partition: str, cursor: str, parked_at_s: float) -> "DeadLetter":
        return cls(
            parked.key, parked.until, parked.reason, parked.raw, partition, cursor, parked_at_s
        )

    @property
    def id(self) -> str:
        """The same for the same event however often it comes: ``order:o-1@1.4``."""
        return f"{self.key}@{self.until}"


class DeadLetters(Protocol):
    """What a store keeps of the events it had to park."""

    async def dead_letters(self, limit: int) -> Sequence[DeadLetter]:
        """At most ``limit`` letters, the newest first."""
        ...

    async def dead_letter_count(self) -> int:
        """How many there are."""
        ...

    async def dead_letter(self, letter_id: str) -> DeadLetter | None:
        """The letter of this id."""
        ...

    async def replay(self, letter: DeadLetter, change: StateChange) -> Verdict:
        """Apply what the letter has been read as, under the gate, and remove the letter."""
        ...

    async def discard(self, letter: DeadLetter) -> bool:
        """Remove the letter; whether it was there. Its aggregate stays suspect."""
        ...


class PoisonLimit:
    """When to stop rather than park: too large a share of what came last cannot be read. Pure.

    Single bad events happen; many in a row mean that the reader is at fault, as after a bad
    deployment, and would drain the log into the dead letters.
    """

    def __init__(
        self, *, ratio: float = 0.05, window_count: int = 500, least_count: int = 20
    ) -> None:
        """Stop above ``ratio`` (0 to 1) of the last ``window_count`` events.

        Fewer than ``least_count`` of them never stop.
        """
        self._ratio = ratio
        self._window_count = window_count
        self._least_count = least_count
        self._event_count = 0
        self._poison_count = 0

    def allows(self, event_count: int, poison_count: int) -> bool:
        """Whether a batch of so many events, so many of them poison, may be applied.

        A batch that may is remembered; one that may not changes nothing, so it can come again.
        """
        events, poison = self._event_count + event_count, self._poison_count + poison_count
        if poison_count and poison >= self._least_count and poison > self._ratio * events:
            return False
        # An older half fades: exact counts of a sliding window would need every batch kept.
        shrink = min(1.0, self._window_count / events) if events else 1.0
        self._event_count, self._poison_count = round(events * shrink), round(poison * shrink)
        return True
