"""Rows at hand beside every moment that their store has had.

News of its writes come late, get lost, or come before the answers that they are newer than.
"""

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from random import Random
from typing import Final

from projections.positions import NOTHING_SEEN, Floor, LogPlace, SourcePosition
from projections.projector import StoredRow
from projections.redis_store.cuts import StampedCut
from projections.redis_store.near_cache import NearCache
from projections.redis_store.news import News
from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    OrdersRoot,
    PageSelection,
    ProductRoot,
    Root,
)
from projections.store import Cut
from projections.versions import AggregateKey, Version
from projections.views import Row
from tests.laws.moved_projection import KEYS, MovedProjection, Step
from tests.laws.proof.world.shared_store import NewsLink, SharedStore
from tests.projection_by_hand import wall_clock_s

WHOLE: Final = OrderSelection(CustomerSelection(), has_products=True)
ROOTS: Final[tuple[tuple[Root, ...], ...]] = (
    (OrderRoot("o-1", WHOLE),),
    (OrderRoot("o-2"), ProductRoot("p-1")),
    (CustomerRoot("c-1"), CustomerRoot("c-2")),
    (OrderRoot("1", WHOLE), OrderRoot("o-1", WHOLE)),
    (OrdersRoot("c-1", PageSelection(2)),),
)
NEAR_ACTS: Final = {
    "read": 30,
    "send": 8,
    "come": 8,
    "hold": 2,
    "release": 6,
    "lose": 1,
    "reconnect": 1,
    "fall_back": 1,
}


class Untrue(Exception):
    """Something at hand is no moment of the store, or not what would be read."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The store after one write."""

    rows: Mapping[AggregateKey, StoredRow]
    suspects: AbstractSet[AggregateKey]
    positions: Mapping[str, SourcePosition]

    def is_shown_by(self, cut: Cut) -> bool:
        """Would a read have shown this cut then?"""
        shown = {key: _told(stored) for key, stored in cut.rows.items()}
        held = {key: _told(self.rows.get(key)) for key in cut.rows}
        return (
            shown == held and cut.positions == self.positions and not self.suspects & shown.keys()
        )


@dataclass
class NearCacheWorld:
    """A shared store, all its moments, and the rows of it that are at hand."""

    random: Random
    store: SharedStore = field(default_factory=lambda: SharedStore(wall_clock_s))
    moments: dict[int, Moment] = field(default_factory=dict)
    found_count: int = 0
    still_count: int = 0

    def __post_init__(self) -> None:
        self.near = NearCache(6, now_s=asyncio.get_running_loop().time)
        self.link = NewsLink(self.near)
        self.store.links += [self, self.link]  # type: ignore[list-item]  # it hears all of them, first
        self.projection = MovedProjection(self.store)
        self._on_the_way: list[StampedCut] = []
        self._shown: list[tuple[Cut, tuple[Root, ...]]] = []

    def tell(self, news: News) -> None:
        """Note the moment of a write."""
        rows = dict(self.store._rows)
        suspects = self.store._suspects_of(rows)
        self.moments[news.stamp.sequence] = Moment(rows, suspects, self.store._joined_positions())

    def reconnect(self) -> None:
        """The store has lost its last writes: there have been no such moments."""
        self._on_the_way.clear()
        self.moments = {at: m for at, m in self.moments.items() if at <= self.store.sequence}

    async def take(self, step: Step) -> None:
        """Let it happen, and look at what is at hand."""
        roots = ROOTS[step.which % len(ROOTS)]
        match step.act:
            case "read":
                self.near.keep(await self._read(roots))
            case "send":
                self._on_the_way.append(await self._read(roots))
            case "come" if self._on_the_way:
                self.near.keep(self._on_the_way.pop(step.which % len(self._on_the_way)))
            case "come":
                pass
            case "fall_back":
                self.store.lose_writes(step.which % 3)
            case "lose":
                self.link.lose(step.which % 3)
            case "hold" | "release" | "reconnect":
                getattr(self.link, step.act)()
            case _:
                await self.projection.take(step)
        self._look()

    async def _read(self, roots: Sequence[Root]) -> StampedCut:
        return StampedCut(await self.store.read(roots), self.store.stamp)

    def _look(self) -> None:
        for roots in ROOTS:
            cut = self.near.find(roots)
            if cut is not None:
                self.found_count += 1
                self._require_truth(cut)
                self._shown = [*self._shown[-8:], (cut, roots)]
        for cut, roots in self._shown:
            for seen in (NOTHING_SEEN, self._seen()):
                self._require_the_same(cut, roots, seen)

    def _require_truth(self, cut: Cut) -> None:
        """Raises `Untrue` for a cut that no read up to the last news would have shown."""
        heard = self.link._heard
        if heard is None or not any(
            moment.is_shown_by(cut) for at, moment in self.moments.items() if at <= heard.sequence
        ):
            raise Untrue(f"no moment of the store: {cut}")

    def _require_the_same(self, cut: Cut, roots: Sequence[Root], seen: Floor) -> None:
        """Raises `Untrue` unless the cut stands exactly while it would be read again."""
        still, found = self.near.still(cut, seen=seen), self.near.find(roots, seen=seen)
        is_same = found is not None and all(
            found.rows.get(key) is stored for key, stored in cut.rows.items()
        )
        if (still is not None) != is_same or (still is not None and still != found):
            raise Untrue(f"still {still}, and would be read: {found}")
        self.still_count += still is not None

    def _seen(self) -> Floor:
        key = self.random.choice(KEYS)
        place = self.projection.place_of(key)
        offset = max(0, place.offset - self.random.randrange(3))
        return {(key.type.source, self.random.randrange(2)): LogPlace(place.log, offset)}


def _told(stored: StoredRow | None) -> tuple[Row | None, Version] | None:
    """What a reader is told of a row; how it came is told of by its cut alone."""
    return None if stored is None else (stored.row, stored.at)
