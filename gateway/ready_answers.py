"""Answers whose bytes are kept, with the cut that they were made of. See `answers_at_hand`."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Final

from msgspec import Struct, field

from gateway.consistency_extension import ReadyConsistency
from projections.store import Cut
from projections.token_codec import TokenCodec
from projections.token_shrinking import floor_from
from projections.token_size import fits
from projections.versions import AggregateType
from resolvers.tokens import TokenDesk

ANSWER_BYTES: Final = 2_100
ROW_BYTES: Final = 600
"""What an answer takes besides its bytes, and for each of its rows, reckoned from above: where the
store has newer ones by now, the rows are nobody else's.
"""

MAX_REMEMBERED: Final = 4_096
"""Answers of each of two generations that are remembered without having been kept: about as many as
64 MB keep of answers of an order, in half a megabyte.
"""

MAX_SEALED: Final = 1_000
"""Sealed floors that are kept, of one moment: one a caller."""


class ReadyAnswer(Struct):
    """One answer: the bytes of its ``data``, its extension, and the cut that both are of.

    The cut is replaced by the same one of a later moment. ``healed_at_s``: by type, when the last
    of its rows was healed (Unix s), where any was. ``cost``: what it has cost when it was made.
    ``validated``: the token that it was last asked for with, and its validator with that.
    """

    cut: Cut
    data: bytes
    consistency: ReadyConsistency
    types: frozenset[AggregateType]
    healed_at_s: Mapping[AggregateType, float] = field(default_factory=dict)
    cost: int = 0
    validated: tuple[str, str] | None = None

    @property
    def size_bytes(self) -> int:
        """What it takes, reckoned from above."""
        own_bytes = len(self.data) + len(self.consistency.components)
        return ANSWER_BYTES + ROW_BYTES * len(self.cut.rows) + own_bytes


class RecentlyMade:
    """What was made a short while ago, by its hash: of two that share one, one is kept early.

    The *doorkeeper* of TinyLFU (Einziger, Friedman, Manes: *A Highly Efficient Cache Admission
    Policy*, 2017).
    """

    def __init__(self) -> None:
        self._newer: set[int] = set()
        self._older: set[int] = set()

    def note(self, identity: Hashable) -> bool:
        """Was it made a short while ago? From now on it was."""
        mark = hash(identity)
        if mark in self._newer or mark in self._older:
            return True
        self._newer.add(mark)
        if len(self._newer) >= MAX_REMEMBERED:
            self._older, self._newer = self._newer, set()
        return False


class ReadyAnswers:
    """The answers used last, up to ``limit_bytes``; 0 keeps none.

    Once there is no more room, an answer is kept when it is made for the second time: whoever walks
    through all there is, once, takes nothing from those who come again and again, and need not be
    given room to. ``size_bytes``: what they take, reckoned from above.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.size_bytes = 0
        self._answers: OrderedDict[Hashable, ReadyAnswer] = OrderedDict()
        self._recently_made = RecentlyMade()

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, identity: Hashable) -> ReadyAnswer | None:
        """The answer, which may be of another moment."""
        answer = self._answers.get(identity)
        if answer is not None:
            self._answers.move_to_end(identity)
        return answer

    def keep(self, identity: Hashable, answer: ReadyAnswer) -> None:
        """Keep it in place of the one before; or of those used longest ago, if there is room."""
        before = self._answers.pop(identity, None)
        if before is not None:
            self.size_bytes -= before.size_bytes
        size_bytes = answer.size_bytes
        if size_bytes > self._limit_bytes:
            return
        if before is None and not self._is_room(size_bytes, identity):
            return
        answer.data = bytes(memoryview(answer.data))  # orjson leaves it in a block of four thousand
        self._answers[identity] = answer
        self.size_bytes += size_bytes
        while self.size_bytes > self._limit_bytes:
            _, oldest = self._answers.popitem(last=False)
            self.size_bytes -= oldest.size_bytes

    def _is_room(self, size_bytes: int, identity: Hashable) -> bool:
        """Is there, or will others make it, because this is made for the second time?"""
        is_free = self.size_bytes + size_bytes <= self._limit_bytes
        return is_free or self._recently_made.note(identity)


class SealedFloors:
    """Tokens of who has seen a cut and nothing else: between two events the same for everybody."""

    def __init__(self) -> None:
        self._moment: tuple[object, TokenCodec, int] | None = None
        self._texts: dict[tuple[str, frozenset[AggregateType]], str | None] = {}

    def seal(
        self, cut: Cut, types: frozenset[AggregateType], tokens: TokenDesk, now_s: float
    ) -> str | None:
        """The token of a caller who has seen rows of these types; None where no floor says it."""
        minute = int(now_s // 60)
        positions, codec = cut.positions, tokens.codec
        if self._moment is None or not (
            self._moment[0] is positions and self._moment[1] is codec and self._moment[2] == minute
        ):
            self._moment = positions, codec, minute
            self._texts.clear()
        key = tokens.subject, types
        if key not in self._texts:
            if len(self._texts) >= MAX_SEALED:
                self._texts.clear()
            floor = floor_from(cut, types, now_s)
            is_whole = {log.type for log in floor.floor} == types and fits(floor)
            self._texts[key] = tokens.seal(floor) if is_whole else None
        return self._texts[key]
