"""The consistency token as a value: what a client may demand of the world it is shown.

A token is a set of lower bounds, and never a snapshot: an answer may be newer. It demands *entries*
(this aggregate, no older than this version), a *floor* (this much of that log), *marks* (a world
proven current after this second) and the owner's word for what is *uncertain*. The one rule that
must hold: a token may lose a bound only by leaving something as strong behind, so that `merge` is a
semilattice and a client may always send every token it has.

Pure: no clock, no bytes, no keys (they are in `token_codec.py`). The write position is the
aggregate's version, because only that is gapless and known to the owner when it answers; a global
"highest position applied" is not a completed prefix. What was *seen* is another matter: a place in
a log that has been applied is a prefix, and says in a few bytes what a thousand entries would.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, Protocol, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from projections.positions import SECONDS_A_MINUTE, Floor, LogPlace
from projections.versions import AggregateKey, AggregateType, Version

CLOCK_SKEW_S: Final = 1
"""How far the clock that proves may be ahead of the one that marks (s): machines on NTP differ by
milliseconds, and a second more of live reads is cheap."""

K = TypeVar("K")


class FloorKey(Struct, frozen=True, order=True, gc=False):
    """One log: a partition of a type's source, and the log's own identity (see `LogPlace`)."""

    type: AggregateType
    partition: int
    log: int


class Seen(Struct, frozen=True, order=True, gc=False):
    """How much of a log had been applied when the holder looked, and when (Unix minute) she did."""

    offset: int
    minute: int


class ConsistencyToken(Struct, frozen=True):
    """Lower bounds on the world; all mappings are read-only by agreement: tokens are shared.

    ``entries``: the least version of an aggregate. ``marks``: of this type only a world proven
    current at or after this Unix second will do. ``floor``: see `Seen`. ``doubts``: the owner has
    denied that version of an entry; a world proven current at or after this Unix second that does
    not hold it refutes the entry. ``uncertain``: aggregates whose last write has no known outcome;
    only their owners can tell.
    """

    entries: Mapping[AggregateKey, Version] = field(default_factory=dict)
    marks: Mapping[AggregateType, int] = field(default_factory=dict)
    floor: Mapping[FloorKey, Seen] = field(default_factory=dict)
    doubts: Mapping[AggregateKey, int] = field(default_factory=dict)
    uncertain: AbstractSet[AggregateKey] = frozenset()

    @property
    def is_empty(self) -> bool:
        """True when every world will do."""
        return not (self.entries or self.marks or self.floor or self.uncertain)


EMPTY_TOKEN: Final = ConsistencyToken()


class View(Protocol):
    """A world a token is held against: one cut of the projection, or an answer just fetched."""

    def version_of(self, key: AggregateKey, /) -> Version | None:
        """What this world shows of the aggregate, a tombstone's version too; None if nothing."""

    def is_sure_of(self, key: AggregateKey, /) -> bool:
        """Was this world asked for the aggregate, and does it know all that it was told of it?"""

    def place_of(self, aggregate_type: AggregateType, partition: int, /) -> LogPlace | None:
        """How far one partition of the type's log is applied; None where that is not known."""

    def proven_at_s(self, aggregate_type: AggregateType, /) -> float | None:
        """The instant (Unix s) before which all that was committed is in this world.

        That of the proof itself, not of its arrival; None when it was never proven.
        """


def mark_at(now_s: float) -> int:
    """The second of a mark for a world in which all that was committed up to ``now_s`` is there."""
    return math.ceil(now_s) + CLOCK_SKEW_S


def outlives(seen: Seen) -> int:
    """The second from which on a world proven current holds what was seen, whatever its log."""
    return (seen.minute + 1) * SECONDS_A_MINUTE + CLOCK_SKEW_S


def seen_places(token: ConsistencyToken) -> Floor:
    """The floor as a store is asked for it; of several logs of a partition the one seen last."""
    latest = sorted(token.floor.items(), key=lambda item: item[1].minute)
    return {
        (log.type.source, log.partition): LogPlace(log.log, seen.offset) for log, seen in latest
    }


def merge(*tokens: ConsistencyToken) -> ConsistencyToken:
    """The least token that demands all that these demand; unbounded, see `fit` before sealing.

    A doubt survives only where all who name the aggregate share it: the pair of a version and its
    doubt is joined part by part, and no doubt is the greatest.
    """
    tokens = tuple([token for token in tokens if not token.is_empty])
    if len(tokens) <= 1:
        return tokens[0] if tokens else EMPTY_TOKEN
    entries: dict[AggregateKey, Version] = {}
    marks: dict[AggregateType, int] = {}
    floor: dict[FloorKey, Seen] = {}
    for token in tokens:
        _raise_to(entries, token.entries)
        _raise_to(marks, token.marks)
        for log, seen in token.floor.items():
            known = floor.get(log, seen)
            floor[log] = Seen(max(seen.offset, known.offset), max(seen.minute, known.minute))
    doubts = _shared_doubts(tokens)
    uncertain = frozenset[AggregateKey]().union(*(token.uncertain for token in tokens))
    return ConsistencyToken(entries, marks, floor, doubts, uncertain)


def raised(token: ConsistencyToken, seen: Mapping[AggregateKey, Version]) -> ConsistencyToken:
    """The token, demanding these versions too, which are no longer in doubt."""
    new = {k: v for k, v in seen.items() if k not in token.entries or token.entries[k] <= v}
    return merge(token, ConsistencyToken(new)) if new else token


def with_doubts(
    token: ConsistencyToken, keys: Iterable[AggregateKey], second: int
) -> ConsistencyToken:
    """The token, its entries for these aggregates in doubt since ``second``, if not before."""
    new = {key: second for key in keys if key in token.entries}
    return replace(token, doubts={**new, **token.doubts}) if new else token


def without_uncertain(token: ConsistencyToken, told: AbstractSet[AggregateKey]) -> ConsistencyToken:
    """The token, certain again of aggregates whose owner has told how they are."""
    rest = token.uncertain - told
    return token if len(rest) == len(token.uncertain) else replace(token, uncertain=rest)


_Bound = TypeVar("_Bound", int, Version)


def _raise_to(bounds: dict[K, _Bound], others: Mapping[K, _Bound]) -> None:
    for key, bound in others.items():
        bounds[key] = max(bound, bounds.get(key, bound))


def _shared_doubts(tokens: Collection[ConsistencyToken]) -> dict[AggregateKey, int]:
    doubts: dict[AggregateKey, int] = {}
    for token in tokens:
        _raise_to(doubts, token.doubts)
    return {
        key: second
        for key, second in doubts.items()
        if all(key in token.doubts or key not in token.entries for token in tokens)
    }


def unmet(view: View, token: ConsistencyToken) -> ConsistencyToken:
    """The part of the token that this view is too old for; empty exactly when it satisfies it."""
    entries = {key: at for key, at in token.entries.items() if not _holds(view, token, key, at)}
    return ConsistencyToken(
        entries,
        {of: second for of, second in token.marks.items() if not is_proven(view, of, second)},
        {log: seen for log, seen in token.floor.items() if not has_reached(view, log, seen)},
        {key: second for key, second in token.doubts.items() if key in entries},
        token.uncertain,
    )


def satisfies(view: View, token: ConsistencyToken) -> bool:
    """Whether a client holding the token may be shown this view."""
    return unmet(view, token).is_empty


def is_proven(view: View, aggregate_type: AggregateType, second: int) -> bool:
    """Is this world proven current at or after that Unix second?"""
    proven_at_s = view.proven_at_s(aggregate_type)
    return proven_at_s is not None and proven_at_s >= second


def has_reached(view: View, log: FloorKey, seen: Seen) -> bool:
    """Does this world hold what was seen of that log?

    Offsets compare in one log only. A world that stands in another one, made anew or another
    store's, holds it when it is proven current after the minute in which it was seen.
    """
    place = view.place_of(log.type, log.partition)
    if place is not None and place.log == log.log:
        return place.offset >= seen.offset
    return is_proven(view, log.type, outlives(seen))


def is_refuted(view: View, token: ConsistencyToken, key: AggregateKey) -> bool:
    """Is the token's entry for the aggregate in doubt, and this world proven to have no such thing?

    All that was committed before the doubt is in this world; what it lacks was never committed, or
    its service has lost it.
    """
    doubt, at = token.doubts.get(key), token.entries.get(key)
    if doubt is None or at is None or not view.is_sure_of(key):
        return False
    shown = view.version_of(key)
    return is_proven(view, key.type, doubt) and (shown is None or shown < at)


def _holds(view: View, token: ConsistencyToken, key: AggregateKey, at: Version) -> bool:
    shown = view.version_of(key)
    return (shown is not None and shown >= at) or is_refuted(view, token, key)


def demand_for_keys(
    token: ConsistencyToken,
    keys: Collection[AggregateKey],
    *,
    types: Collection[AggregateType] = (),
) -> ConsistencyToken:
    """What the token demands of a read of just these aggregates, and of ``types`` as such.

    The marks and floors of their types stay: what they stand for may have been about one of them.
    """
    wanted = frozenset(keys)
    return _share(token, wanted, {*types, *(key.type for key in wanted)})


def _share(
    token: ConsistencyToken,
    keys: AbstractSet[AggregateKey],
    types: AbstractSet[AggregateType],
) -> ConsistencyToken:
    return ConsistencyToken(
        _only(token.entries, keys),
        _only(token.marks, types),
        {log: seen for log, seen in token.floor.items() if log.type in types},
        _only(token.doubts, keys),
        token.uncertain & keys,
    )


_V = TypeVar("_V")


def _only(mapping: Mapping[K, _V], wanted: Iterable[K]) -> dict[K, _V]:
    return {key: mapping[key] for key in wanted if key in mapping}
