"""What a request is before anybody has read it: a write, which goes first, or a read. Pure.

A write is the end of somebody's work, of reads that have been paid for already; it is refused only
where even writes alone would wait too long. A consistency token makes no read more urgent: every
answer brings one, so nearly every request carries one, and to look into it costs a cipher.
"""

import re
from enum import Enum, auto
from typing import Final

MUTATION: Final = re.compile(rb'"query"\s*:\s*"(?:[\s,]|\\[nrt])*mutation\b')
"""A document that begins with a mutation, in JSON that nobody has parsed. Others count as reads: a
mutation behind a comment or a fragment is served as well, only not sooner."""


_MUTATION_TEXT: Final = re.compile(r"[\s,]*mutation\b")


_SUBSCRIPTION_TEXT: Final = re.compile(r"(?:\A|[\s,}])subscription[\s,]*[\w({@]")


class Lane(Enum):
    """Where a request waits."""

    WRITE = auto()
    READ = auto()


def lane_of(method: str, body: bytes) -> Lane:
    """The lane of a request, by a glance at its bytes. By GET nothing is written."""
    is_write = method == "POST" and MUTATION.search(body) is not None
    return Lane.WRITE if is_write else Lane.READ


def lane_of_text(document: str) -> Lane:
    """The lane of a request whose JSON has been read: one of several."""
    return Lane.WRITE if _MUTATION_TEXT.match(document) else Lane.READ


def may_be_subscription(document: str) -> bool:
    """Has it an operation that is a subscription, or a comment that looks like one?

    >>> may_be_subscription("subscription { a }"), may_be_subscription("{ subscription: a }")
    (True, False)
    """
    return _SUBSCRIPTION_TEXT.search(document) is not None
