"""The law of rows at hand: each cut of them is one moment of the store, and stands while it does.

The controls are mistakes made on purpose.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from projections.positions import NOTHING_SEEN, Floor, have_reached
from projections.redis_store.cuts import StampedCut
from projections.redis_store.near_cache import NearCache
from projections.redis_store.news import News
from projections.store import Cut
from tests.laws.at_hand_histories import on_steered_time
from tests.laws.moved_projection import Step, steps, steps_of
from tests.laws.near_cache_world import NEAR_ACTS, NearCacheWorld, Untrue

SEARCH_LIMIT = 300
"""Histories in which a mistake has to show."""

_keep = NearCache.keep
_follow = NearCache.follow
_still = NearCache.still
_may_show = NearCache._may_show


async def live_through(history: Sequence[Step], seed: int) -> NearCacheWorld:
    """Look at what is at hand after each step."""
    world = NearCacheWorld(Random(seed))
    await world.projection.begin()
    for step in history:
        await world.take(step)
    return world


def live_by(seed: int) -> NearCacheWorld:
    """Live through the history of a seed."""
    history = steps_of(seed, NEAR_ACTS, count=40)
    return on_steered_time(lambda: live_through(history, seed))


def live_by_all(seeds: Iterable[int]) -> list[NearCacheWorld]:
    """The worlds of these seeds, up to the first untruth."""
    return [live_by(seed) for seed in seeds]


@given(st.lists(steps(NEAR_ACTS), min_size=4, max_size=40), st.integers(0, 10**6))
def test_what_is_at_hand_is_one_moment_of_the_store(history: Sequence[Step], seed: int) -> None:
    """Rows and positions are of one moment; and a cut stands exactly while it would be read."""
    on_steered_time(lambda: live_through(history, seed))


def test_the_law_is_not_idle() -> None:
    """In such histories there is much at hand, and much of it stands."""
    worlds = live_by_all(range(40))

    assert sum(world.found_count for world in worlds) > 400
    assert sum(world.still_count for world in worlds) > 400


def _keep_overtaken(near: NearCache, stamped: StampedCut) -> None:
    heard = near._heard
    late = heard is not None and stamped.stamp is not None
    _keep(near, replace(stamped, stamp=heard) if late else stamped)


def _keep_positions_of_any(near: NearCache, stamped: StampedCut) -> None:
    near._read_up_to, before = 0, near._read_up_to
    _keep(near, stamped)
    near._read_up_to = max(before, near._read_up_to)


def _keep_suspects(near: NearCache, stamped: StampedCut) -> None:
    _keep(near, replace(stamped, cut=structs.replace(stamped.cut, suspects=frozenset())))


def _follow_without_holes(near: NearCache, news: News | None) -> None:
    if news is not None:
        _follow(near, news)


def _follow_without_voids(near: NearCache, news: News | None) -> None:
    _follow(near, None if news is None else replace(news, voided=frozenset()))


def _show_before_the_news(near: NearCache, seen: Floor) -> bool:
    return bool(near._rows) and have_reached(near._positions, seen)


def _still_as_it_was(near: NearCache, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
    return None if _still(near, cut, seen=seen) is None else cut


def _still_whatever_was_seen(
    near: NearCache, cut: Cut, *, seen: Floor = NOTHING_SEEN
) -> Cut | None:
    del seen
    return _still(near, cut)


def _still_by_key(near: NearCache, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
    rows = {key: near._rows.get(key) for key in cut.rows}
    return (
        None if None in rows.values() else _still(near, structs.replace(cut, rows=rows), seen=seen)
    )


@pytest.mark.parametrize(
    ("of", "instead"),
    [
        ("keep", _keep_overtaken),
        ("keep", _keep_positions_of_any),
        ("keep", _keep_suspects),
        ("follow", _follow_without_holes),
        ("follow", _follow_without_voids),
        ("_may_show", _show_before_the_news),
        ("still", _still_as_it_was),
        ("still", _still_whatever_was_seen),
        ("still", _still_by_key),
    ],
    ids=lambda made: made.__name__.strip("_") if callable(made) else made,
)
def test_control_a_mistake_shows(of: str, instead: Callable[..., object]) -> None:
    """Each mistake leads to something that no moment has shown, or that would not be read."""
    with patch.object(NearCache, of, instead), pytest.raises(Untrue):
        live_by_all(range(SEARCH_LIMIT))
