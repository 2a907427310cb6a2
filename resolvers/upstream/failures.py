"""What each failure means: to the circuit, to who would ask again, to who has something kept.

One table; the layers read it and judge nothing themselves. No failure is ever kept as an answer.

- Who was refused a connection, or cut off, or told to come later may be served the next time.
- Who was not answered in the whole time of an attempt asks again only if as much time is left: a
  second attempt that the deadline cuts short takes the time of whatever would stand in, and tells
  nothing. (Of slow reads the hedge takes care, and sooner.)
- Nonsense is not asked for again: it is a wrong version or a wrong address, and those stay. A body
  that broke off is none, it is a broken connection.
- A refusal is the answer. A replica that lags is asked again by who demanded the version, who alone
  knows how long to wait. What we refuse ourselves must not be knocked at by ourselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    InvalidAnswer,
    Rejected,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
    VersionBehind,
)


class Says(Enum):
    """What a failure says of the service."""

    WELL = auto()
    ILL = auto()
    ILL_IF_GIVEN_TIME = auto()
    """Ill, if it had a fair chance to answer; nothing otherwise."""
    NOTHING = auto()
    """It has not been asked."""


class Repeat(Enum):
    """Whether the same call may be made once more, if it may be repeated at all."""

    NEVER = auto()
    IN_TIME = auto()
    """Before the deadline."""
    WITH_WHOLE_ATTEMPT = auto()
    """As long as the deadline leaves a whole attempt."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """``may_stand_in``: something kept may be shown in its place (RFC 5861, stale-if-error)."""

    says: Says
    repeat: Repeat
    may_stand_in: bool


MEANINGS: Mapping[type[UpstreamError], Meaning] = {
    UpstreamUnavailable: Meaning(Says.ILL, Repeat.IN_TIME, may_stand_in=True),
    UpstreamTimeout: Meaning(Says.ILL, Repeat.WITH_WHOLE_ATTEMPT, may_stand_in=True),
    InvalidAnswer: Meaning(Says.ILL, Repeat.NEVER, may_stand_in=True),
    DeadlineExceeded: Meaning(Says.ILL_IF_GIVEN_TIME, Repeat.NEVER, may_stand_in=True),
    CircuitOpen: Meaning(Says.NOTHING, Repeat.NEVER, may_stand_in=True),
    BulkheadFull: Meaning(Says.NOTHING, Repeat.NEVER, may_stand_in=True),
    VersionBehind: Meaning(Says.WELL, Repeat.NEVER, may_stand_in=False),
    Rejected: Meaning(Says.WELL, Repeat.NEVER, may_stand_in=False),
}
"""Every failure there is."""


def meaning_of(failure: UpstreamError) -> Meaning:
    """What the table says of it."""
    return MEANINGS[type(failure)]


def more_telling(earlier: UpstreamError, later: UpstreamError) -> UpstreamError:
    """Of two failures of one call, the one that its caller should hear of.

    A mutation of which one attempt may have taken effect may have taken effect, whatever became of
    the next, a refusal included: that may be told of our own first attempt. Else the later one, for
    it knows more; unless it never came to be asked, or its time was cut short.
    """
    if earlier.is_outcome_unknown != later.is_outcome_unknown:
        return earlier if earlier.is_outcome_unknown else later
    was_cut_short = meaning_of(later).says in (Says.NOTHING, Says.ILL_IF_GIVEN_TIME)
    return earlier if was_cut_short else later
