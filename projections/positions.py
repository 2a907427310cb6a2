"""How far an event source has been applied: positions of its partitions, and what they prove.

A source is one service's log, in one or more partitions. Each aggregate keeps to one partition,
where its events are in order; nothing is known of the order between partitions. So a source is
only as far as the last of them.

Places compare within one log only: one made anew has the same numbers, and another history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from msgspec import Struct

SECONDS_A_MINUTE = 60

NEVER_S = 0.0
"""The instant of a proof that was never given."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One part of a source's log; ``count`` is how many its source has."""

    source: str
    index: int = 0
    count: int = 1

    def __str__(self) -> str:
        return self.source if self.count == 1 else f"{self.source}/{self.index}"


class LogPlace(Struct, frozen=True, gc=False):
    """How much of one log has been applied.

    ``log`` (0 to 2^32 - 1) tells it from every other; only with the same ``log`` do two places
    compare, by ``offset``.
    """

    log: int
    offset: int

    def has_reached(self, other: "LogPlace") -> bool:
        """Is all that was applied up to ``other`` applied here? A place elsewhere never tells."""
        return self.log == other.log and self.offset >= other.offset


Floor = Mapping[tuple[str, int], LogPlace]
"""What a reader has seen already: a place of a source, by name, and one of its partitions."""

NOTHING_SEEN: Final[Floor] = {}


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """How far one partition, or a whole source, has been applied.

    ``cursor`` is the source's own opaque place to go on from. ``is_caught_up``: the log has been
    read to its end once; before that, readers should not trust absence. Every change committed
    before the wall-clock instant ``proven_at_s`` (seconds) has been applied, once it is caught up.
    ``remaining_count`` is the lag in events, where the source tells; ``places`` the place in the
    log of each partition, empty where it cannot tell.
    """

    cursor: str
    proven_at_s: float
    is_caught_up: bool
    remaining_count: int | None = None
    places: Mapping[int, LogPlace] = field(default_factory=dict)

    def following(self, previous: "SourcePosition | None") -> "SourcePosition":
        """This position as the successor of ``previous``: what was proven stays proven.

        A source that falls behind after it had caught up stays caught up, with its old proof: its
        projection is old, which readers can weigh, and not unknown. One that is read again from
        another log, over the rows of the one before, has no place until it has been read to its
        end: its rows are newer than its place would say.
        """
        if previous is None:
            return self
        has_place = self.is_caught_up or not previous.is_caught_up or self._is_same_log(previous)
        return replace(
            self,
            is_caught_up=self.is_caught_up or previous.is_caught_up,
            proven_at_s=self.proven_at_s or previous.proven_at_s,
            places=self.places if has_place else {},
        )

    def _is_same_log(self, previous: "SourcePosition") -> bool:
        return all(
            index in previous.places and previous.places[index].log == place.log
            for index, place in self.places.items()
        )


def join_positions(
    positions: Mapping[Partition, SourcePosition],
) -> dict[str, SourcePosition]:
    """The position of each source as a whole: that of the last of its partitions.

    A source with a partition that has no position yet is not caught up.
    """
    by_source: dict[str, dict[Partition, SourcePosition]] = {}
    for partition, position in positions.items():
        by_source.setdefault(partition.source, {})[partition] = position
    return {source: _join(parts) for source, parts in by_source.items()}


def _join(parts: Mapping[Partition, SourcePosition]) -> SourcePosition:
    if len(parts) == 1 and all(partition.count == 1 for partition in parts):
        return next(iter(parts.values()))
    ordered = [parts[key] for key in sorted(parts, key=lambda partition: partition.index)]
    is_complete = len(parts) >= max(partition.count for partition in parts)
    counts = [position.remaining_count for position in ordered]
    told = [count for count in counts if count is not None]
    return SourcePosition(
        cursor=" ".join(position.cursor for position in ordered),
        proven_at_s=min(position.proven_at_s for position in ordered) if is_complete else NEVER_S,
        is_caught_up=is_complete and all(position.is_caught_up for position in ordered),
        remaining_count=sum(told) if is_complete and len(told) == len(counts) else None,
        places={index: place for position in ordered for index, place in position.places.items()},
    )


def have_reached(positions: Mapping[str, SourcePosition], seen: Floor) -> bool:
    """Do these positions of whole sources show all that was seen?"""
    for (source, index), place in seen.items():
        position = positions.get(source)
        standing = None if position is None else position.places.get(index)
        if standing is None or not standing.has_reached(place):
            return False
    return True
