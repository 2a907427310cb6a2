"""The consistency token as a value: what a client may demand of the world it is shown.

A token is a set of lower bounds: "show me these aggregates no older than these versions". The one
rule that must hold: a token may lose a bound only by leaving something stronger behind, so that
`merge` is a semilattice and a client may always send every token it has.

Pure: no clock, no bytes, no keys (they are in `token_codec.py`); imports only versions. The write
position is the aggregate's version, because only that is gapless and known to the owner when it
answers; a global "highest position applied" is not a completed prefix.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Protocol

from projections.versions import AggregateKey, AggregateType, Version

MAX_ENTRIES: Final = 32
"""Entries a sealed token may carry: what one session writes faster than the projection follows."""

MAX_ID_CHARACTERS: Final = 896
"""Characters of all its ids together (28 each when full): with the greatest versions in every entry
such a token is sealed in 2,023 characters, inside the 2,048 that are accepted back."""


@dataclass(frozen=True, slots=True)
class ConsistencyToken:
    """Lower bounds on the world: versions of aggregates, and marks where bounds had to be dropped.

    `overflow` maps a type to a minute since the Unix epoch: bounds of this type were dropped during
    that minute because the token was full, so only a world proven current after its end will do.
    Both mappings are read-only by agreement: a token is shared, never changed.
    """

    entries: Mapping[AggregateKey, Version] = field(default_factory=dict)
    overflow: Mapping[AggregateType, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True when every world will do."""
        return not self.entries and not self.overflow


EMPTY_TOKEN: Final = ConsistencyToken()


class View(Protocol):
    """A world a token is held against: one cut of the projection, or an answer just fetched."""

    def version_of(self, key: AggregateKey, /) -> Version | None:
        """What this world shows of the aggregate, a tombstone's version too; None if nothing."""

    def current_since_minute(self, aggregate_type: AggregateType, /) -> int | None:
        """The wall minute in which this world last provably held all that was committed before.

        Minutes since the Unix epoch, rounded down, of an instant of the proof itself, not of its
        arrival; None when it was never proven.
        """


def merge(*tokens: ConsistencyToken) -> ConsistencyToken:
    """The least token that demands all that these demand; unbounded, see `fit` before sealing."""
    entries: dict[AggregateKey, Version] = {}
    overflow: dict[AggregateType, int] = {}
    for token in tokens:
        for key, version in token.entries.items():
            entries[key] = max(version, entries.get(key, version))
        for aggregate_type, minute in token.overflow.items():
            overflow[aggregate_type] = max(minute, overflow.get(aggregate_type, minute))
    return ConsistencyToken(entries, overflow)


def unmet(view: View, token: ConsistencyToken) -> ConsistencyToken:
    """The part of the token that this view is too old for; empty exactly when it satisfies it."""
    return ConsistencyToken(
        {key: at for key, at in token.entries.items() if not _holds(view, key, at)},
        {of: minute for of, minute in token.overflow.items() if not _outlived(view, of, minute)},
    )


def satisfies(view: View, token: ConsistencyToken) -> bool:
    """Whether a client holding the token may be shown this view."""
    return unmet(view, token).is_empty


def _holds(view: View, key: AggregateKey, at: Version) -> bool:
    shown = view.version_of(key)
    return shown is not None and shown >= at


def _outlived(view: View, aggregate_type: AggregateType, minute: int) -> bool:
    # Strictly greater: a proof made within the minute may be older than a write of that minute.
    proven = view.current_since_minute(aggregate_type)
    return proven is not None and proven > minute


def demand_for_keys(token: ConsistencyToken, keys: Collection[AggregateKey]) -> ConsistencyToken:
    """What the token demands of a read of just these aggregates.

    The overflow marks of their types stay: what was dropped may have been about one of them.
    """
    types = {key.type for key in keys}
    return ConsistencyToken(
        {key: token.entries[key] for key in keys if key in token.entries},
        {of: minute for of, minute in token.overflow.items() if of in types},
    )


def demand_for_type(token: ConsistencyToken, aggregate_type: AggregateType) -> ConsistencyToken:
    """What the token demands of a read that may show any aggregate of a type: a list, a count."""
    return ConsistencyToken(
        {key: at for key, at in token.entries.items() if key.type is aggregate_type},
        {of: minute for of, minute in token.overflow.items() if of is aggregate_type},
    )


def fits(token: ConsistencyToken) -> bool:
    """Whether the token is small enough to be sealed."""
    return _is_room_for(len(token.entries), _id_characters(token.entries))


def fit(
    token: ConsistencyToken,
    *,
    is_proven: Callable[[AggregateKey, Version], bool],
    now_minute: int,
) -> ConsistencyToken:
    """A token small enough to be sealed that still protects all that this one protects.

    Drops nothing while it fits. Then proven entries go first; `is_proven` is true when every world
    this client can be shown from now on holds that version. If that is not enough, unproven ones go
    too, and their types are marked as overflowed in `now_minute` (minutes since the Unix epoch; no
    write of the token was committed after it). Which ones is fixed by the token and the proofs.
    """
    if fits(token):
        return token
    unproven = {key for key, at in token.entries.items() if not is_proven(key, at)}
    dropped = _excess(_dropping_order(token.entries, unproven))
    kept = {key: at for key, at in token.entries.items() if key not in dropped}
    marks = {key.type: now_minute for key in dropped & unproven}
    return merge(ConsistencyToken(kept, token.overflow), ConsistencyToken(overflow=marks))


def _dropping_order(
    keys: Iterable[AggregateKey], unproven: AbstractSet[AggregateKey]
) -> list[AggregateKey]:
    # Of the unproven, the most crowded type gives way first: the marks then fall on as few types
    # as possible, and a marked type is read live until it is proven current again.
    crowd = Counter(key.type for key in unproven)
    return sorted(keys, key=lambda key: (key in unproven, -crowd[key.type], key))


def _excess(order: Sequence[AggregateKey]) -> AbstractSet[AggregateKey]:
    """The shortest beginning of the order without which the rest has room."""
    count, characters = len(order), _id_characters(order)
    for position, key in enumerate(order):
        if _is_room_for(count, characters):
            return set(order[:position])
        count, characters = count - 1, characters - len(key.id)
    return set(order)


def _is_room_for(entry_count: int, id_characters: int) -> bool:
    return entry_count <= MAX_ENTRIES and id_characters <= MAX_ID_CHARACTERS


def _id_characters(keys: Iterable[AggregateKey]) -> int:
    return sum(len(key.id) for key in keys)
