from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from projections.positions import NOTHING_SEEN, Floor, Partition
from projections.projector import StoredRow
from projections.rebuild.comparison import Disagreement, ListedUnlike, Older, Unlike
from projections.rebuild.rebuild import (
    BlueMoved,
    Disagreed,
    Flipped,
    NothingToReplace,
    Outrun,
    Rebuild,
    Rehearsed,
    SampleCompared,
)
from projections.selection import Root
from projections.store import Cut
from projections.versions import AggregateKey, Version
from tests.builders.applying import apply_next
from tests.builders.rows import (
    PLACED_AT,
    batch,
    change,
    customer_key,
    order_key,
    order_row,
    product_row,
)
from tests.generational_store import GenerationalMemoryStore
from tests.projections.fake_feed import FakeFeed
from tests.projections.rebuilding import OPTIONS, WORLD, Rebuilding, a_world, logs_of

pytestmark = pytest.mark.steered_time


async def test_rebuilt_projection_takes_the_place_of_the_one_before() -> None:
    """A sound log gives the same rows and positions again, and the generation before is kept."""
    house = await a_world()
    before = dict(house.store._rows), dict(house.store._positions)

    outcome = await house.run()

    assert outcome == Flipped()
    assert dict(house.store._rows) == before[0]
    assert {p: at.cursor for p, at in house.store._positions.items()} == {
        p: at.cursor for p, at in before[1].items()
    }
    assert {(await house.store.counts(source)).generation for source in house.logs} == {2}
    assert set(house.store.previous) == set(house.logs)
    assert house.store.built is None


async def test_what_the_projection_had_lost_comes_back() -> None:
    """Rows that blue has lost, and listings with them, are there again after the flip."""
    house = await a_world()
    del house.store._rows[order_key("o-3")]
    del house.store._rows[customer_key()]

    outcome = await house.run()

    assert outcome == Flipped()
    assert house.store._rows[order_key("o-3")].row == order_row("o-3")
    assert house.store._rows[customer_key()].at == Version(1, 2)


async def test_only_named_sources_are_rebuilt() -> None:
    """A rebuild of one source leaves the others' generations and rows alone."""
    house = await a_world()

    outcome = await house.run(logs={"orders": house.logs["orders"]})

    generations = {source: (await house.store.counts(source)).generation for source in house.logs}
    assert outcome == Flipped()
    assert generations == {"orders": 2, "customers": 1, "products": 1}
    assert house.store._rows[customer_key()].at == Version(1, 2)


async def test_dry_run_changes_nothing_and_leaves_nothing() -> None:
    """Everything but the flip is done and told; what was built is dropped."""
    house = await a_world()

    outcome = await house.run(is_dry_run=True)

    assert outcome == Rehearsed()
    assert house.store.flip_count == 0
    assert house.store.built is None
    [compared] = [told for told in house.signals if isinstance(told, SampleCompared)]
    assert compared == SampleCompared(row_count=7, page_count=1, disagreements=())


async def test_leftovers_are_not_built_upon() -> None:
    """What a dead rebuild left, or a roll-back, is dropped before anything is read."""
    house = await a_world()
    leftover = await house.store.building(tuple(house.logs))
    await apply_next(leftover, batch(change(order_row("o-99"))))

    outcome = await house.run()

    assert outcome == Flipped()
    assert order_key("o-99") not in house.store._rows


async def test_projection_that_was_never_there_is_not_replaced() -> None:
    """Without a position there is no blue: the projector's own first reading is the way."""
    house = Rebuilding(logs_of(*WORLD))

    assert await house.run() == NothingToReplace(("orders", "customers", "products"))


class LossyLog(FakeFeed):
    """A log whose retention has dropped what came first, though nobody says so."""

    def __init__(self, feed: FakeFeed, *, lost_count: int) -> None:
        super().__init__()
        self._log = feed._log[lost_count:]


class NotComparing(Rebuild):
    """The seeded bug: green takes over unseen."""

    async def _compare(self, *_: object, **__: object) -> tuple[Disagreement, ...]:
        return ()


async def test_log_that_lost_events_does_not_take_over() -> None:
    """Rows of blue that the log cannot bring any more keep blue serving, whatever is accepted."""
    house = await a_world()
    lossy = {**house.logs, "orders": LossyLog(house.logs["orders"], lost_count=3)}

    outcome = await house.run(logs=lossy, accepts_differences=True)

    assert isinstance(outcome, Disagreed)
    assert outcome.has_lost_events
    assert Older(order_key("o-2"), Version(1, 1), None) in outcome.disagreements
    assert house.store.flip_count == 0
    assert house.store.built is None


async def test_rebuild_that_does_not_compare_would_show_an_older_world() -> None:
    """The control: without the comparison the same log takes rows away from readers."""
    house = await a_world()
    lossy = {**house.logs, "orders": LossyLog(house.logs["orders"], lost_count=3)}

    outcome = await house.run(logs=lossy, kind=NotComparing)

    assert outcome == Flipped()
    assert order_key("o-2") not in house.store._rows


async def test_other_content_at_the_same_version_is_not_flipped_to_unasked() -> None:
    """A row that says something else may be blue's mistake or green's: an operator decides."""
    house = await a_world()
    wrong = product_row(name="Wool Notebok")
    house.store._rows[wrong.key] = StoredRow(wrong, wrong.at)

    refused = await house.run()
    accepted = await house.run(accepts_differences=True)

    assert refused == Disagreed((Unlike(wrong.key, Version(1, 1)),))
    assert accepted == Flipped()
    assert house.store._rows[wrong.key].row == product_row()


async def test_lists_are_compared() -> None:
    """An order that blue lists and green does not is found, though all rows are the same."""
    house = await a_world()
    house.store._listings[("c-1", None)].pop(0)

    outcome = await house.run()

    assert isinstance(outcome, Disagreed)
    [disagreement] = outcome.disagreements
    assert isinstance(disagreement, ListedUnlike)
    assert disagreement.page.customer_id == "c-1"


async def test_rows_ahead_of_the_stream_are_no_measure() -> None:
    """What blue knows from live answers alone need not be in the log yet."""
    house = await a_world()
    await house.store.heal([product_row(version=9), product_row("p-2")])

    assert await house.run() == Flipped()
    assert house.store._rows[product_row().key].at == Version(1, 1)


class GrowingStore(GenerationalMemoryStore):
    """A store in which a customer places an order while her list is being compared.

    Orders are only seen in lists: none of them is drawn for the sample.
    """

    def __init__(self, feed: FakeFeed) -> None:
        super().__init__()
        self.feed = feed
        self.is_growing = False

    async def sample(self, source: str, count: int) -> Sequence[AggregateKey]:
        return [] if source == "orders" else await super().sample(source, count)

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        cut = await super().read(roots, seen=seen)
        if self.is_growing:
            self.is_growing = False
            row = order_row("o-9", placed_at=PLACED_AT + timedelta(days=1))
            self.feed.commit(row)
            await apply_next(self, batch(change(row), at=self.feed.end))
        return cut


async def test_order_pushed_off_its_page_by_a_newer_one_is_not_missing() -> None:
    """Green was read later, so its page may begin with orders that blue's did not have yet."""
    logs = logs_of(*WORLD)
    store = GrowingStore(logs["orders"])
    house = Rebuilding(logs, store)
    await house.project()
    store.is_growing = True

    assert await house.run(replace(OPTIONS, page_size=1)) == Flipped()


class BusyStore(GenerationalMemoryStore):
    """A store whose projector writes whenever it is looked at, so many times."""

    def __init__(self, feed: FakeFeed, *, move_count: int) -> None:
        super().__init__()
        self.left_count = move_count
        self.feed = feed
        self.is_busy = False

    async def flip(self, expected: Mapping[Partition, str]) -> None:
        if self.is_busy and self.left_count > 0:
            self.left_count -= 1
            version = self._rows[order_key("o-1")].at.number + 1
            row = order_row("o-1", version)
            self.feed.commit(row)
            await apply_next(self, batch(change(row), at=self.feed.end))
        await super().flip(expected)


async def a_busy_world(move_count: int) -> Rebuilding:
    logs = logs_of(*WORLD)
    house = Rebuilding(logs, BusyStore(logs["orders"], move_count=move_count))
    await house.project()
    assert isinstance(house.store, BusyStore)
    house.store.is_busy = True
    return house


async def test_blue_that_moves_on_is_caught_up_with_before_the_flip() -> None:
    """Each time blue has moved meanwhile, green is brought along and the flip is tried again."""
    house = await a_busy_world(move_count=3)

    outcome = await house.run()

    assert outcome == Flipped()
    assert [told for told in house.signals if isinstance(told, BlueMoved)] == [
        BlueMoved(1),
        BlueMoved(2),
        BlueMoved(3),
    ]
    assert house.store._rows[order_key("o-1")].at == Version(1, 5)


async def test_blue_that_never_stands_still_goes_on_serving() -> None:
    """After a bounded number of attempts the rebuild says so and leaves everything as it was."""
    house = await a_busy_world(move_count=1_000)

    outcome = await house.run(flip_limit=4)

    assert outcome == Outrun(4)
    assert house.store.flip_count == 0
    assert house.store.built is None


def in_good_faith(ours: str, theirs: str, *, is_at_end: bool) -> bool:
    """The seeded bug: green is far enough because it once was."""
    return True


async def test_green_that_is_not_caught_up_would_show_an_older_world() -> None:
    """The control of the race for blue's place: flipped to before the lag is 0, rows go back."""
    house = await a_busy_world(move_count=3)

    outcome = await house.run(has_reached=in_good_faith)

    assert outcome == Flipped()
    assert house.store._rows[order_key("o-1")].at == Version(1, 2)
