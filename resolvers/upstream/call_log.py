"""What happened on the way to each answer: the layers note it, for whoever asked to look.

Nothing is decided by what stands here, and nothing is noted unless somebody wants to know.
"""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

NOTE_LIMIT = 1_000
"""Notes of one operation, at most: a plan that is longer is read by nobody."""


class CallStep(StrEnum):
    """What a layer may have to tell of a call."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    ANSWERED = "ANSWERED"
    FAILED = "FAILED"
    RETRIED = "RETRIED"
    HEDGED = "HEDGED"
    REFUSED = "REFUSED"
    JOINED = "JOINED"
    KEPT = "KEPT"
    GUESSED = "GUESSED"
    WAITED = "WAITED"


@dataclass(frozen=True, slots=True)
class CallNote:
    """One step of a call to ``service``; ``about`` names the call, as ``read o-1``.

    ``at_s`` is time of the loop; ``detail`` is for a person, and names no host. ``attempt`` is a
    number that all notes of one attempt have and no others of the operation; 0 where there is none.
    """

    at_s: float
    service: str
    about: str
    step: CallStep
    detail: str = ""
    attempt: int = 0


@dataclass(slots=True)
class CallLog:
    """The notes of one operation, in order. ``omitted_count``: those beyond `NOTE_LIMIT`.

    ``began_at_s`` (s of the loop) is when the operation began.
    """

    notes: list[CallNote] = field(default_factory=list)
    omitted_count: int = 0
    began_at_s: float = 0.0
    attempt_count: int = 0

    def next_attempt(self) -> int:
        """The number of another attempt."""
        self.attempt_count += 1
        return self.attempt_count

    def note(
        self, service: str, about: str, step: CallStep, detail: str = "", *, attempt: int = 0
    ) -> None:
        """Add what happens now."""
        if len(self.notes) == NOTE_LIMIT:
            self.omitted_count += 1
            return
        now_s = asyncio.get_running_loop().time()
        self.notes.append(CallNote(now_s, service, about, step, detail, attempt))
