"""What happened on the way to each answer: the layers note it, for whoever asked to look.

Nothing is decided by what stands here, and nothing is noted unless somebody wants to know.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from resolvers.upstream.trace_context import Trace

NOTE_LIMIT = 1_000
"""Notes of one operation, at most: a plan that is longer is read by nobody."""

CALLED_OFF = "called off"
"""How a call ended that nobody wanted any more."""


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
    PROBED = "PROBED"
    WAITED = "WAITED"
    BEGAN = "BEGAN"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class CallNote:
    """One step of a call to ``service``; ``about`` names the call, as ``read o-1``.

    ``at_s`` is time of the loop; ``detail`` is for a person, and names no host. ``attempt`` is a
    number that all notes of one attempt have and no others of the operation, ``call`` likewise one
    of a call with all its attempts, or of another stretch that has a beginning and an end; 0 where
    there is none.
    """

    at_s: float
    service: str
    about: str
    step: CallStep
    detail: str = ""
    attempt: int = 0
    call: int = 0


@dataclass(slots=True)
class CallLog:
    """The notes of one operation, in order. ``omitted_count``: those beyond `NOTE_LIMIT`.

    ``began_at_s`` (s of the loop) is when the operation began. ``trace``: the trace that spans are
    made for of what stands here, if there is one.
    """

    notes: list[CallNote] = field(default_factory=list)
    omitted_count: int = 0
    began_at_s: float = 0.0
    trace: Trace | None = None
    number_count: int = 0

    def next_number(self) -> int:
        """The number of another call, attempt or stretch."""
        self.number_count += 1
        return self.number_count

    def note(
        self,
        service: str,
        about: str,
        step: CallStep,
        detail: str = "",
        *,
        attempt: int = 0,
        call: int = 0,
    ) -> None:
        """Add what happens now."""
        if len(self.notes) == NOTE_LIMIT:
            self.omitted_count += 1
            return
        now_s = asyncio.get_running_loop().time()
        self.notes.append(CallNote(now_s, service, about, step, detail, attempt, call))


@contextmanager
def stretch(log: CallLog | None, service: str, about: str) -> Iterator[None]:
    """Note when the block begins and ends, where spans are made of what is noted."""
    if log is None or log.trace is None:
        yield
        return
    call = log.next_number()
    log.note(service, about, CallStep.BEGAN, call=call)
    try:
        yield
    finally:
        log.note(service, about, CallStep.ENDED, call=call)
