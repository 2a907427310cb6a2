"""W3C Trace Context: what comes in of it, and what is told to services. Pure.

The rule: what is malformed is as if it had not been sent (Trace Context, level 2); what is passed
on is well-formed and printable, whoever sent it. Nothing here knows who records traces.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import getrandbits
from typing import Final

TRACESTATE_LIMIT: Final = 512
"""Characters of a ``tracestate`` that is passed on: what all have to. A longer one is dropped."""

MEMBERS_LIMIT: Final = 32
"""Members of a ``tracestate``, at most."""

_INVALID_TRACE: Final = "0" * 32
_INVALID_SPAN: Final = "0" * 16

_traceparent = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
_key = r"[a-z0-9][a-z0-9_\-*/@]{0,255}"
_value = r"[ -+\--<>-~]{0,255}[!-+\--<>-~]"
_member = re.compile(rf"{_key}={_value}\Z")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace that a request is part of, and the span that caused it, as its sender says.

    ``state`` is the word of other tracers, passed on as it is; None where there is none.
    """

    trace_id: str
    span_id: str
    is_sampled: bool
    state: str | None = None

    @property
    def traceparent(self) -> str:
        """The header that tells this."""
        return f"00-{self.trace_id}-{self.span_id}-{self.is_sampled:02x}"


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace that is recorded here: the ids that our spans in it have.

    The spans of one operation are numbered: 0 is the request itself. Whoever sends a call tells the
    service the id of the span that will be made of it later, by its number. ``parent``: the span
    of the sender, if there is one.
    """

    trace_id: str
    first_span_id: int
    parent: TraceContext | None = None

    @classmethod
    def under(cls, parent: TraceContext | None) -> "Trace":
        """Our part of the sender's trace, or a trace of our own."""
        trace_id = new_trace_id() if parent is None else parent.trace_id
        return cls(trace_id, getrandbits(62) + 1, parent)

    @property
    def state(self) -> str | None:
        """The word of other tracers."""
        return None if self.parent is None else self.parent.state

    def span_id(self, number: int) -> int:
        """The id of the span with this number, below `CallLog`'s limits: never 0."""
        return self.first_span_id + number

    def traceparent(self, number: int) -> str:
        """What a service is told that is called by that span."""
        return f"00-{self.trace_id}-{self.span_id(number):016x}-01"


def new_trace_id() -> str:
    """An id that no other trace has."""
    return f"{getrandbits(127) + 1:032x}"


def unrecorded() -> TraceContext:
    """A trace that begins here and is not recorded: services are told so, and that it is one."""
    return TraceContext(new_trace_id(), f"{getrandbits(62) + 1:016x}", is_sampled=False)


def parse_trace_context(
    traceparents: Sequence[str], tracestates: Sequence[str] = ()
) -> TraceContext | None:
    """What these headers say, each as often as it was sent; None where they say nothing valid.

    A later version of the standard is read as far as this one goes, as it demands.
    """
    if len(traceparents) != 1:
        return None
    found = _traceparent.match(traceparents[0])
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    is_known = version != "ff" and not (version == "00" and rest)
    if not is_known or trace_id == _INVALID_TRACE or span_id == _INVALID_SPAN:
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & 1), _parse_state(tracestates))


def _parse_state(texts: Sequence[str]) -> str | None:
    """All of them as one, if that is a list of members with keys of their own."""
    members = [
        member for text in texts for part in text.split(",") if (member := part.strip(" \t"))
    ]
    state = ",".join(members)
    keys = {member.partition("=")[0] for member in members}
    is_valid = (
        0 < len(members) <= MEMBERS_LIMIT
        and len(state) <= TRACESTATE_LIMIT
        and len(keys) == len(members)
        and all(map(_member.match, members))
    )
    return state if is_valid else None
