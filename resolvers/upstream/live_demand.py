"""What a live read asks of an owner, and whether an answer is new enough. Pure.

The rule of shared reads, upheld by `shared_reads`: whoever asks gets an answer that was asked for
after she did, or one that covers her demand and that she agreed to share.
"""

from collections.abc import Iterable

import msgspec

from projections.versions import AggregateKey, Version
from projections.views import Row
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.transport import cut_short

RowAnswer = Row | None | UpstreamError
"""The owner's answer: the row, that there is none, or why it could not be had."""


class Kept(msgspec.Struct, frozen=True):
    """A row that its owner has told before, and when (s of the loop) it was asked."""

    row: Row
    asked_at_s: float


class Heard(msgspec.Struct, frozen=True):
    """What an owner has said, and when (s of the loop) it was asked: it may know better by now.

    ``kept``, beside a failure alone: what it has said before, if that covers the reader's demand
    and she may share it. Whether it is shown in place of the failure is not decided here.
    """

    answer: RowAnswer
    asked_at_s: float
    kept: Kept | None = None


class Question(msgspec.Struct, frozen=True):
    """One question to an owner: everything that shapes the answer, and nothing else.

    ``min_number`` is sent as ``Min-Version``. The caller is not here, because today no call tells
    an owner who asks: whatever comes to tell it, a header or a path, has to come in here too.
    """

    key: AggregateKey
    min_number: int | None = None


def told(questions: Iterable[Question]) -> str:
    """The questions in a few words, for a person.

    >>> from projections.versions import AggregateType
    >>> told([Question(AggregateKey(AggregateType.PRODUCT, of)) for of in ("p-1", "p-2")])
    'read p-1, p-2'
    """
    return cut_short("read " + ", ".join(question.key.id for question in questions))


class LiveDemand(msgspec.Struct, frozen=True):
    """How new an answer has to be, and whose will do.

    ``at_least``: the version that it must have reached. ``may_share``: an answer to somebody else's
    earlier question will do, one on its way or one kept for a moment, if it covers ``at_least``.
    False where no version tells how new is new enough.
    """

    at_least: Version | None = None
    may_share: bool = False

    def is_covered_by(self, answer: RowAnswer) -> bool:
        """Is nothing in this answer older than demanded?

        Absence has no version, so it covers no demanded one. A failure shows nothing.
        """
        match answer:
            case UpstreamError():
                return True
            case None:
                return self.at_least is None
            case row:
                return self.at_least is None or row.at >= self.at_least

    def joined_with(self, other: "LiveDemand") -> "LiveDemand":
        """The demand that one answer for both has to meet."""
        versions = [at for at in (self.at_least, other.at_least) if at is not None]
        return LiveDemand(max(versions, default=None), self.may_share and other.may_share)
