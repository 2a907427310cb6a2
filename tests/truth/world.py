"""What truly happened around a gateway: what owners had, what they said, what the store held.

Everything is noted with a tick, because on a steered clock much happens in one instant, and with
its time (s of the loop). An operation is a stretch between two such moments.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import httpx
import msgspec

from projections.positions import LogPlace, SourcePosition
from projections.projector import StoredRow
from projections.token import FloorKey
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import STALENESS_BUDGETS_S, CustomerRow, OrderRow, ProductRow, Row

V = TypeVar("V")

TYPE_OF_SERVICE = {of.source: of for of in AggregateType}


class Moment(NamedTuple):
    """A place in the order of all that is noted, and its time (s of the loop)."""

    tick: int
    at_s: float


class Stretch(NamedTuple):
    """From when an operation was sent until its answer was there."""

    began: Moment
    ended: Moment


class Timeline(Generic[V]):
    """What one thing was, one after the other."""

    def __init__(self) -> None:
        self._noted: list[tuple[Moment, V]] = []

    def note(self, when: Moment, value: V) -> None:
        self._noted.append((when, value))

    def since(self, tick: int) -> Iterator[tuple[Moment, V]]:
        """What it was at that tick, and became after it; the latest first."""
        for when, value in reversed(self._noted):
            yield when, value
            if when.tick < tick:
                return

    def during(self, stretch: Stretch) -> list[V]:
        """Everything that it was between two moments; empty while nothing was known of it."""
        return [value for when, value in self.since(stretch.began.tick) if when < stretch.ended]

    def before(self, tick: int) -> V | None:
        """What it was at that tick."""
        return next((value for when, value in reversed(self._noted) if when.tick < tick), None)


class RowList(msgspec.Struct, Generic[V]):
    """Rows as services list them."""

    items: list[V]


ROWS: Mapping[AggregateType, msgspec.json.Decoder[Row]] = {
    AggregateType.ORDER: msgspec.json.Decoder(OrderRow),
    AggregateType.CUSTOMER: msgspec.json.Decoder(CustomerRow),
    AggregateType.PRODUCT: msgspec.json.Decoder(ProductRow),
}
LISTS: Mapping[AggregateType, msgspec.json.Decoder[RowList[Row]]] = {
    AggregateType.ORDER: msgspec.json.Decoder(RowList[OrderRow]),
    AggregateType.CUSTOMER: msgspec.json.Decoder(RowList[CustomerRow]),
    AggregateType.PRODUCT: msgspec.json.Decoder(RowList[ProductRow]),
}


@dataclass(frozen=True, slots=True)
class Word:
    """One answer of a service. ``rows`` are those it tells, ``absent`` those that it denies.

    ``is_unread``: its body was not at hand, so it may have told anything.
    """

    asked: Moment
    answered: Moment
    is_write: bool
    is_page: bool = False
    is_unread: bool = False
    rows: Sequence[Row] = ()
    absent: frozenset[AggregateKey] = frozenset()


def word_of(
    service: str, request: httpx.Request, response: httpx.Response, asked: Moment, answered: Moment
) -> Word:
    """What this answer tells; one that cannot be read, or is no success, tells nothing."""
    of, is_write = TYPE_OF_SERVICE[service], request.method != "GET"
    ids, is_page = _ids_of(request)
    told = frozenset(AggregateKey(of, id_) for id_ in ids)
    if response.status_code == httpx.codes.NOT_FOUND and not is_write:
        return Word(asked, answered, is_write, absent=told)
    if not response.is_success:
        return Word(asked, answered, is_write)
    is_listed = is_page or "ids" in request.url.params
    try:
        rows = _rows_in(response.content, of, is_listed=is_listed)
    except httpx.ResponseNotRead:
        return Word(asked, answered, is_write, is_page=is_page, is_unread=True)
    except msgspec.DecodeError:
        return Word(asked, answered, is_write)
    absent = frozenset() if is_write else told - {row.key for row in rows}
    return Word(asked, answered, is_write, is_page=is_page, rows=rows, absent=absent)


def _ids_of(request: httpx.Request) -> tuple[list[str], bool]:
    """The ids that a read asks for, and whether it asks for a page."""
    if "ids" in request.url.params:
        return request.url.params["ids"].split(","), False
    parts = request.url.path.strip("/").split("/")
    return parts[1:2], len(parts) == 1 and request.method == "GET"


def _rows_in(body: bytes, of: AggregateType, *, is_listed: bool) -> Sequence[Row]:
    return LISTS[of].decode(body).items if is_listed else [ROWS[of].decode(body)]


@dataclass(slots=True)
class World:
    """Notes of everything, from the first to the last.

    ``loop_started_at_s``: the Unix second at which the loop's clock showed 0. ``fresh_s``: how long
    readers may share an owner's answer; None where nobody shares. ``places``: at which offset of
    which log a version stands. ``lost_count``: how often the store did not answer.
    """

    clock: Callable[[], float]
    loop_started_at_s: float
    has_projection: bool = True
    wait_cap_s: float = 0.25
    fresh_s: float | None = None
    budgets_s: dict[AggregateType, float] = field(default_factory=lambda: dict(STALENESS_BUDGETS_S))
    owned: dict[AggregateKey, Timeline[Row | None]] = field(default_factory=dict)
    held: dict[AggregateKey, Timeline[StoredRow | None]] = field(default_factory=dict)
    positions: dict[str, Timeline[SourcePosition | None]] = field(default_factory=dict)
    places: dict[AggregateKey, list[tuple[Version, FloorKey, int]]] = field(default_factory=dict)
    parked: set[AggregateKey] = field(default_factory=set)
    words: list[Word] = field(default_factory=list)
    lost_count: int = 0
    _ticks: Iterator[int] = field(default_factory=itertools.count)

    def now(self) -> Moment:
        """The next moment: no two are the same."""
        return Moment(next(self._ticks), self.clock())

    def wall_s(self, moment: Moment) -> float:
        """The Unix second of a moment."""
        return self.loop_started_at_s + moment.at_s

    def words_in(self, stretch: Stretch, *, shared: bool, kept_s: float = 0.0) -> Iterator[Word]:
        """What owners have said to an operation, or, if it may share, to others for it.

        ``kept_s``: what was asked so long ago may be shown at least.
        """
        began = stretch.began
        fresh_s = None if self.fresh_s is None else max(self.fresh_s, kept_s)
        for word in reversed(self.words):
            is_own = word.asked > began
            if is_own or (
                shared
                and fresh_s is not None
                and (word.answered > began or word.asked.at_s >= began.at_s - fresh_s)
            ):
                yield word
            elif word.answered.at_s < began.at_s - (fresh_s or 0.0):
                return

    def position(self, of: AggregateType, tick: int) -> SourcePosition | None:
        """How far the projection of a type had come at that tick."""
        timeline = self.positions.get(of.source)
        return None if timeline is None else timeline.before(tick)

    def stored(self, key: AggregateKey, stretch: Stretch) -> Sequence[StoredRow | None]:
        """Everything that the store held of an aggregate meanwhile; at first it holds nothing."""
        timeline = self.held.get(key)
        if timeline is None:
            return [None]
        is_new = timeline.before(stretch.began.tick) is None
        return [*timeline.during(stretch), *([None] if is_new else [])]


@dataclass(frozen=True, slots=True)
class Glance:
    """The store as it was at one tick: a `projections.token.View`."""

    world: World
    tick: int

    def version_of(self, key: AggregateKey, /) -> Version | None:
        timeline = self.world.held.get(key)
        stored = None if timeline is None else timeline.before(self.tick)
        return None if stored is None else stored.at

    def is_sure_of(self, key: AggregateKey, /) -> bool:
        return key not in self.world.parked

    def place_of(self, aggregate_type: AggregateType, partition: int, /) -> LogPlace | None:
        position = self.world.position(aggregate_type, self.tick)
        return None if position is None else position.places.get(partition)

    def proven_at_s(self, aggregate_type: AggregateType, /) -> float | None:
        position = self.world.position(aggregate_type, self.tick)
        return position.proven_at_s if position is not None and position.is_caught_up else None
