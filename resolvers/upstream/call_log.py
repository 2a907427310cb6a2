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


@dataclass(frozen=True, slots=True)
class CallNote:
    """One step of a call to ``service``; ``about`` names the call, as ``read o-1``.

    ``at_s`` is time of the loop; ``detail`` is for a person, and names no host.
    """

    at_s: float
    service: str
    about: str
    step: CallStep
    detail: str = ""


@dataclass(slots=True)
class CallLog:
    """The notes of one operation, in order. ``omitted_count``: those beyond `NOTE_LIMIT`."""

    notes: list[CallNote] = field(default_factory=list)
    omitted_count: int = 0

    def note(self, service: str, about: str, step: CallStep, detail: str = "") -> None:
        """Add what happens now."""
        if len(self.notes) == NOTE_LIMIT:
            self.omitted_count += 1
            return
        now_s = asyncio.get_running_loop().time()
        self.notes.append(CallNote(now_s, service, about, step, detail))
