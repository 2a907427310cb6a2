"""What a row and its owner's answer say of each other: pure.

The rule: versions are compared first, as everywhere; content only at the same version, where any
difference is a fault of the projection and not of time. Two moments are compared, so a row that is
older than its owner's answer may only be late: such verdicts `may_be_late`, and are worth a second
look after a while.
"""

from dataclasses import dataclass

from projections.projector import StoredRow
from projections.versions import AggregateKey, Version
from projections.views import Row
from resolvers.answer import Failed
from resolvers.loaders import LiveRow


@dataclass(frozen=True, slots=True)
class Same:
    """The row is what its owner says; or it has passed what the owner said when asked."""

    key: AggregateKey


@dataclass(frozen=True, slots=True)
class Behind:
    """The row is older than its owner's, or not there (``row_at`` None). ``live`` heals it.

    ``is_suspect``: a newer event is known to have been parked.
    """

    key: AggregateKey
    row_at: Version | None
    live: Row
    is_suspect: bool


@dataclass(frozen=True, slots=True)
class Different:
    """Same version, other content in these ``fields``: one of the two never was."""

    key: AggregateKey
    at: Version
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """The owner has no such thing (any more); the row is still there."""

    key: AggregateKey
    row_at: Version


@dataclass(frozen=True, slots=True)
class Ahead:
    """The row is newer than its owner's: the owner lost history and kept its epoch."""

    key: AggregateKey
    row_at: Version
    live_at: Version


@dataclass(frozen=True, slots=True)
class Unchecked:
    """The owner, or the store, could not be asked."""

    key: AggregateKey
    reason: str


Drift = Behind | Different | Missing | Ahead
Verdict = Same | Drift | Unchecked


def compare(
    key: AggregateKey, stored: StoredRow | None, live: LiveRow, *, is_suspect: bool = False
) -> Verdict:
    """What ``stored`` is beside ``live``, which was asked for after it was read."""
    match live:
        case Failed(error=error):
            return Unchecked(key, str(error))
        case None:
            is_there = stored is not None and stored.row is not None
            return Missing(key, stored.at) if stored is not None and is_there else Same(key)
        case _:
            return _compare_rows(key, stored, live, is_suspect=is_suspect)


def _compare_rows(
    key: AggregateKey, stored: StoredRow | None, live: Row, *, is_suspect: bool
) -> Verdict:
    if stored is None or stored.at < live.at:
        row_at = None if stored is None else stored.at
        return Behind(key, row_at, live, is_suspect)
    if stored.at > live.at:
        return Ahead(key, stored.at, live.at)
    fields = differing_fields(stored.row, live)
    return Different(key, stored.at, fields) if fields else Same(key)


def differing_fields(row: Row | None, live: Row) -> tuple[str, ...]:
    """The public names of what the two do not agree on; all of them where there is no row."""
    names = zip(live.__struct_fields__, live.__struct_encode_fields__, strict=True)
    return tuple(
        public for name, public in names if row is None or getattr(row, name) != getattr(live, name)
    )


def may_be_late(verdict: Verdict) -> Version | None:
    """The version that would put it right if it were only on its way; None if nothing would."""
    match verdict:
        case Behind(live=live, is_suspect=False):
            return live.at
        case Missing(row_at=row_at):
            return Version(row_at.epoch, row_at.number + 1)
        case _:
            return None


def look_again(verdict: Verdict, stored: StoredRow | None) -> Verdict:
    """The verdict, given what the row has become since: older news than the row say nothing."""
    expected = may_be_late(verdict)
    if expected is None or stored is None or stored.at < expected:
        return verdict
    match verdict:
        case Behind(key=key, live=live) if stored.at == live.at:
            return compare(key, stored, live)
        case _:
            return Same(verdict.key)


@dataclass(frozen=True, slots=True)
class DriftReport:
    """One verdict for each row that was looked at."""

    verdicts: tuple[Verdict, ...]

    @property
    def drifted(self) -> tuple[Drift, ...]:
        return tuple(v for v in self.verdicts if not isinstance(v, Same | Unchecked))

    @property
    def unchecked(self) -> tuple[Unchecked, ...]:
        return tuple(v for v in self.verdicts if isinstance(v, Unchecked))

    @property
    def healing_rows(self) -> tuple[Row, ...]:
        """The owners' answers that put right what is behind."""
        return tuple(v.live for v in self.verdicts if isinstance(v, Behind))
