"""What each operation's caller had written and seen before: the past that its answer must not undo.

An operation knows what was answered to the operations whose tokens it carried, and what those had
known. Absence is knowledge too: who was shown that an order has left a list, though it had been
there, has seen the commit that took it away.

Time and memory are linear where each token is carried on once, as sessions do: the past is handed
on, and copied only where a history forks.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from projections.versions import AggregateType, Version
from tests.laws.proof.history import History, Key, Operation, Outcome
from tests.laws.proof.listings import left_out, why_gone
from tests.laws.proof.owners import Owners


class Sight(NamedTuple):
    """A version, and the number of the operation that told of it."""

    at: Version
    number: int


Sights = dict[Key, Sight]


@dataclass(slots=True)
class Past:
    """The newest version of each aggregate that was written, seen, or seen on the page before."""

    written: Sights = field(default_factory=dict)
    seen: Sights = field(default_factory=dict)
    paged: Sights = field(default_factory=dict)

    def least(self, key: Key) -> Version | None:
        """The version that must not be gone behind; None if nothing is known."""
        known = (sights.get(key) for sights in (self.written, self.seen, self.paged))
        return max((sight.at for sight in known if sight is not None), default=None)

    def knows(self, key: Key) -> bool:
        """Is there anything known of it?"""
        return key in self.written or key in self.seen or key in self.paged

    def joined(self, other: "Past") -> "Past":
        """Both pasts in a new one; what was on the page before is left behind."""
        both = Past(dict(self.written), dict(self.seen))
        raise_to(both.written, other.written)
        raise_to(both.seen, other.seen)
        return both


def lives(history: History, owners: Owners) -> Iterator[tuple[Operation, Past]]:
    """Every operation with its past, in the order of their numbers.

    A past is good until the next one is asked for.
    """
    heirs = Counter(number for op in history.operations for number in op.carried)
    followed = {number for op in history.operations for number in _followed(op)}
    after: dict[int, Past] = {}
    pages: dict[int, Sights] = {}
    for operation in history.operations:
        past = _inherited(operation, after, heirs)
        for number in _followed(operation):
            raise_to(past.paged, pages.get(number, {}))
        yield operation, past
        sights = sights_of(operation, past, owners)
        if operation.number in followed:
            orders = {k: at for k, at in sights.items() if k.type is AggregateType.ORDER}
            pages[operation.number] = orders
        if operation.number in heirs:
            raise_to(past.seen, sights)
            raise_to(past.written, written_by(operation))
            after[operation.number] = past


def _inherited(operation: Operation, after: dict[int, Past], heirs: Counter[int]) -> Past:
    heir = Past()
    for place, number in enumerate(operation.carried):
        heirs[number] -= 1
        is_last = heirs[number] == 0
        past = (after.pop(number, None) if is_last else after.get(number)) or Past()
        heir = past if is_last and place == 0 else heir.joined(past)
    heir.paged.clear()
    return heir


def _followed(operation: Operation) -> Iterator[int]:
    if operation.answer is not None:
        for page in operation.answer.pages:
            if page.follows is not None:
                yield page.follows


def written_by(operation: Operation) -> Sights:
    """What the owners have confirmed to it."""
    written: Sights = {}
    for write in operation.writes:
        if write.outcome is Outcome.CONFIRMED and write.key and write.version:
            raise_to(written, {write.key: Sight(write.version, operation.number)})
    return written


def sights_of(operation: Operation, past: Past, owners: Owners) -> Sights:
    """What the answer has shown, be it by leaving something out."""
    if operation.answer is None:
        return {}
    by_s = operation.returned_at_s
    sights: Sights = {}
    for shown in operation.answer.shown:
        at = shown.version
        if at is None and shown.is_absent:
            at = why_gone(shown.key, past.least(shown.key), owners, by_s)
        if at is not None:
            raise_to(sights, {shown.key: Sight(at, operation.number)})
    for page in operation.answer.pages:
        for key in left_out(page, past.knows, owners):
            left_at = why_gone(key, past.least(key), owners, by_s, page=page)
            if left_at is not None:
                raise_to(sights, {key: Sight(left_at, operation.number)})
    return sights


def raise_to(sights: Sights, others: Mapping[Key, Sight]) -> None:
    """Let the greater version of each aggregate stand; of equal ones the first that told."""
    for key, sight in others.items():
        if key not in sights or sights[key].at < sight.at:
            sights[key] = sight
