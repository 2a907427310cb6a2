"""The pure verdict on an event: what one change means for the row that is there now.

The rule is the version gate: a change is applied when its (epoch, number) is greater than the
row's, and is a duplicate otherwise. Events carry full state, so a jump is legal; it is only
counted. A row healed from a live answer is *ahead* of the stream until the stream passes it.
"""

from msgspec import Struct
from msgspec.structs import replace

from projections.events import PoisonEvent, StateChange
from projections.versions import AggregateKey, Version
from projections.views import Row


class StoredRow(Struct, frozen=True):
    """What a store holds under a key. ``row`` is None for a tombstone.

    ``is_streamed`` is False while the row is ahead of the event stream (healed from a live answer
    at ``healed_at_s``, wall-clock seconds).
    """

    row: Row | None
    at: Version
    is_streamed: bool = True
    healed_at_s: float | None = None


class Applied(Struct, frozen=True):
    """The row is replaced; ``has_gap`` when versions between the old and the new were not seen."""

    key: AggregateKey
    stored: StoredRow
    has_gap: bool


class Duplicate(Struct, frozen=True):
    """The row is as new or newer. ``stored`` is set when the stream has now caught up with it."""

    key: AggregateKey
    stored: StoredRow | None = None


class Parked(Struct, frozen=True):
    """The event is set aside with a reason; its row is suspect while older than ``until``.

    ``raw`` is the event as it came.
    """

    key: AggregateKey
    reason: str
    until: Version
    raw: bytes = b""


Verdict = Applied | Duplicate | Parked


def judge(current: StoredRow | None, change: StateChange) -> Applied | Duplicate:
    """What ``change`` from the stream does to ``current`` (None: no row yet)."""
    if current is None or change.at > current.at:
        stored = StoredRow(change.row, change.at)
        return Applied(change.key, stored, has_gap=_has_gap(current, change))
    if change.at == current.at and not current.is_streamed:
        return Duplicate(change.key, replace(current, is_streamed=True, healed_at_s=None))
    return Duplicate(change.key)


def judge_healing(
    current: StoredRow | None, row: Row, *, healed_at_s: float
) -> Applied | Duplicate:
    """What a verified live answer does to ``current``: the same gate, but ahead of the stream."""
    key, at = row.key, row.at
    if current is None or at > current.at:
        stored = StoredRow(row, at, is_streamed=False, healed_at_s=healed_at_s)
        return Applied(key, stored, has_gap=False)
    return Duplicate(key)


def park(current: StoredRow | None, poison: PoisonEvent) -> Parked:
    """What an unreadable state says of ``current``: not to be trusted before the state after it.

    Told again when the row has long been newer (sources repeat themselves), it changes nothing, if
    the event tells its version.
    """
    if poison.at is not None:
        return Parked(poison.key, poison.reason, poison.at, poison.raw)
    newer = Version(0, 0) if current is None else Version(current.at.epoch, current.at.number + 1)
    return Parked(poison.key, poison.reason, newer, poison.raw)


def _has_gap(current: StoredRow | None, change: StateChange) -> bool:
    previous = change.previous_number
    if current is None:
        return previous not in (None, 0)
    return current.at.epoch == change.at.epoch and previous != current.at.number
