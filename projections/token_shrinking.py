"""Makes a token short again: what a cut has proven becomes its floor, marks stand for the rest.

The rule is the token's own: nothing is dropped silently. Both functions return a token that every
later world satisfies only if it satisfies the one that was given. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from msgspec.structs import replace

from projections.token import (
    ConsistencyToken,
    FloorKey,
    Seen,
    View,
    has_reached,
    is_proven,
    is_refuted,
    mark_at,
    merge,
    outlives,
)
from projections.token_size import MAX_UNCERTAIN, fits, size_of
from projections.versions import AggregateKey, AggregateType, Version

MAX_FLOOR_PARTITIONS: Final = 20
"""A source in more partitions than this gets no floor: three such would fill a token."""


class StreamedView(View, Protocol):
    """A cut of the projection that tells what the stream itself has brought to it."""

    def is_streamed(self, key: AggregateKey, at: Version, /) -> bool:
        """Does it hold this version or a later one, brought by the event stream?"""

    def floor_of(self, aggregate_type: AggregateType, /) -> Mapping[FloorKey, int]:
        """The offset up to which each log of the type is applied; empty where nobody tells."""


def floor_from(
    view: StreamedView, types: Iterable[AggregateType], now_s: float
) -> ConsistencyToken:
    """What a reader owes who has been shown streamed rows of these types from this view."""
    minute = int(now_s // 60)
    floor: dict[FloorKey, Seen] = {}
    for aggregate_type in types:
        logs = view.floor_of(aggregate_type)
        if len(logs) <= MAX_FLOOR_PARTITIONS:
            floor.update({log: Seen(offset, minute) for log, offset in logs.items()})
    return ConsistencyToken(floor=floor)


def shrunk(token: ConsistencyToken, view: StreamedView, now_s: float) -> ConsistencyToken:
    """The same demands in fewer words, for a holder who may be shown this view.

    Entries that the stream has brought, marks and floors of other logs that the view has outlived
    become the floor of the view. Entries that it refutes are dropped: there is no such thing. Where
    the view tells no place nothing is moved.
    """
    streamed = {k for k, at in token.entries.items() if view.is_streamed(k, at)}
    marks = {of for of, second in token.marks.items() if is_proven(view, of, second)}
    logs = {log for log, seen in token.floor.items() if has_reached(view, log, seen)}
    refuted = {key for key in token.doubts if is_refuted(view, token, key)}
    if not (streamed or marks or logs or refuted):
        return token
    types = {key.type for key in streamed} | marks | {log.type for log in logs}
    moved = floor_from(view, types, now_s)
    covered = {log.type for log in moved.floor}
    gone = refuted | {key for key in streamed if key.type in covered}
    rest = ConsistencyToken(
        {k: at for k, at in token.entries.items() if k not in gone},
        {of: second for of, second in token.marks.items() if of not in marks & covered},
        {log: s for log, s in token.floor.items() if log not in logs or log.type not in covered},
        {k: second for k, second in token.doubts.items() if k not in gone},
        token.uncertain,
    )
    return merge(rest, moved)


def fit(token: ConsistencyToken, now_s: float) -> ConsistencyToken:
    """A token small enough to be sealed that still protects all that this one protects.

    Drops nothing while it fits. Then marks stand for what is dropped. Entries go first, those of
    the most crowded type before others, so that marks fall on as few types as possible: a marked
    type is read live until it is proven current again. Floors go last, for their marks live
    longest. No write of the token was committed after ``now_s`` (Unix s). What goes is fixed by the
    token alone.
    """
    if fits(token):
        return token
    spare = frozenset(sorted(token.uncertain)[MAX_UNCERTAIN:])
    token = replace(token, uncertain=token.uncertain - spare)
    dropped = _excess(token)
    marks = [(key.type, mark_at(now_s)) for key in (*spare, *dropped.entries)]
    marks += [(log.type, outlives(token.floor[log])) for log in dropped.floor]
    kept = ConsistencyToken(
        {k: at for k, at in token.entries.items() if k not in dropped.entries},
        token.marks,
        {log: seen for log, seen in token.floor.items() if log not in dropped.floor},
        {k: second for k, second in token.doubts.items() if k not in dropped.entries},
        token.uncertain,
    )
    return merge(kept, *(ConsistencyToken(marks={of: second}) for of, second in marks))


def _excess(token: ConsistencyToken) -> ConsistencyToken:
    """The shortest beginning of the dropping order without which the rest has room."""
    size = size_of(token)
    entries: dict[AggregateKey, Version] = {}
    floor: dict[FloorKey, Seen] = {}
    for key in _by_crowd(token.entries):
        if not size.is_too_much:
            break
        entries[key] = token.entries[key]
        size = size.without_entry(token, key)
    for log in sorted(token.floor, key=lambda log: (token.floor[log].minute, log)):
        if not size.is_too_much:
            break
        floor[log] = token.floor[log]
        size = size.without_floor(token, log)
    return ConsistencyToken(entries, floor=floor)


def _by_crowd(entries: Mapping[AggregateKey, Version]) -> list[AggregateKey]:
    crowd = Counter(key.type for key in entries)
    return sorted(entries, key=lambda key: (-crowd[key.type], key))
