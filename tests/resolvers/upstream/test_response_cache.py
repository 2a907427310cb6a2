"""Answers are kept for a moment, the newest version of each, and shown only to whom they cover."""

import asyncio
from collections.abc import Coroutine

import pytest

from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.live_demand import Heard, LiveDemand, Question, RowAnswer
from resolvers.upstream.options import SharingOptions
from resolvers.upstream.response_cache import ResponseCache, replaces
from tests.builders.rows import product_key, product_row
from tests.resolvers.upstream.builders import let_everybody_run, now_s
from tests.resolvers.upstream.sharing import (
    ALONE,
    CALL_S,
    KEEPING_NOTHING,
    LAMP,
    SHARING,
    at_least,
    lamp,
    number_of,
    open_house,
)

pytestmark = pytest.mark.steered_time

FRESH_S = 1.0
ABSENT_FRESH_S = 0.25
OPTIONS = SharingOptions(fresh_s=FRESH_S, absent_fresh_s=ABSENT_FRESH_S)


async def fill(cache: ResponseCache, answer: RowAnswer, *, asked_at_s: float | None = None) -> None:
    """Land an answer about the lamp."""
    await cache.fill({LAMP: answer}, asked_at_s=now_s() if asked_at_s is None else asked_at_s)


async def found(cache: ResponseCache, demand: LiveDemand = SHARING) -> Heard | None:
    return (await cache.find({LAMP: demand})).get(LAMP)


async def number_found(cache: ResponseCache) -> int | None:
    heard = await found(cache)
    assert heard is not None, "nothing is kept"
    return number_of(heard)


class TestFreshness:
    async def test_a_kept_answer_is_shared_while_it_is_fresh(self) -> None:
        """Within a second of the question it is there; then it is gone."""
        cache = ResponseCache(OPTIONS)
        await fill(cache, lamp())
        await asyncio.sleep(FRESH_S - 0.001)

        is_there = await found(cache) is not None
        await asyncio.sleep(0.001)

        assert is_there
        assert await found(cache) is None

    async def test_freshness_counts_from_the_question(self) -> None:
        """An answer that took 0.9 s on its way is fresh for 0.1 s."""
        cache = ResponseCache(OPTIONS)
        await asyncio.sleep(0.9)
        await fill(cache, lamp(), asked_at_s=0.0)

        is_there = await found(cache) is not None
        await asyncio.sleep(0.1)

        assert is_there
        assert await found(cache) is None

    async def test_an_absence_is_kept_for_less(self) -> None:
        """That there is no such row is believed for a quarter of a second only."""
        cache = ResponseCache(OPTIONS)
        await fill(cache, None)

        is_there = await number_found(cache) is None
        await asyncio.sleep(ABSENT_FRESH_S)

        assert is_there
        assert await found(cache) is None

    async def test_a_failure_is_never_kept(self) -> None:
        """A service that is back is asked at once."""
        cache = ResponseCache(OPTIONS)

        await fill(cache, UpstreamUnavailable("products"))

        assert await found(cache) is None

    async def test_nothing_is_kept_where_nothing_is_fresh(self) -> None:
        """With zero seconds there is no cache."""
        cache = ResponseCache(KEEPING_NOTHING)
        await fill(cache, lamp())

        assert await found(cache) is None


class TestDemands:
    async def test_who_may_not_share_finds_nothing(self) -> None:
        """What is kept was asked for before her."""
        cache = ResponseCache(OPTIONS)
        await fill(cache, lamp())

        assert await found(cache, ALONE) is None

    @pytest.mark.parametrize(("demanded", "is_found"), [(1, True), (2, True), (3, False)])
    async def test_only_what_covers_the_demand_is_found(
        self, demanded: int, *, is_found: bool
    ) -> None:
        """Version 2 is kept: it covers demands up to 2."""
        cache = ResponseCache(OPTIONS)
        await fill(cache, lamp(2))

        assert (await found(cache, at_least(demanded)) is not None) == is_found

    async def test_an_absence_covers_no_version(self) -> None:
        """Who knows of a version does not hear from here that there is no such row."""
        cache = ResponseCache(OPTIONS)
        await fill(cache, None)

        assert await found(cache, at_least(1)) is None

    async def test_what_was_asked_with_a_version_answers_without(self) -> None:
        """``Min-Version`` can make an owner refuse, but not answer anything else."""
        cache = ResponseCache(OPTIONS)
        await cache.fill({Question(LAMP.key, 3): lamp(3)}, asked_at_s=now_s())

        assert await number_found(cache) == 3


class TestCompareAndSet:
    async def test_a_late_answer_undoes_nothing(self) -> None:
        """A call from before the write lands after it: the written row stays."""
        cache = ResponseCache(OPTIONS)
        await asyncio.sleep(0.5)
        await cache.put_newer(lamp(2))

        await fill(cache, lamp(1), asked_at_s=0.3)

        assert await number_found(cache) == 2

    async def test_a_late_answer_is_stale_when_the_newer_one_is_forgotten(self) -> None:
        """A call that outlasts the newer entry brings nothing that is fresh any more."""
        cache = ResponseCache(OPTIONS)
        await asyncio.sleep(0.5)
        await cache.put_newer(lamp(2))
        await asyncio.sleep(FRESH_S)

        await fill(cache, lamp(1), asked_at_s=0.499)

        assert await found(cache) is None

    async def test_a_newer_version_replaces(self) -> None:
        """A version is compared as (epoch, number), epoch first."""
        cache = ResponseCache(OPTIONS)

        await fill(cache, product_row("p-1", 9, epoch=1))
        await fill(cache, product_row("p-1", 2, epoch=2))
        await fill(cache, product_row("p-1", 10, epoch=1))

        assert await number_found(cache) == 2

    async def test_news_are_told_from_what_is_known(self) -> None:
        """A greater version is news, the same or a smaller one is not."""
        cache = ResponseCache(OPTIONS)

        told = [await cache.put_newer(lamp(number)) for number in (2, 2, 1, 3)]

        assert told == [True, False, False, True]

    async def test_the_same_version_asked_for_later_is_fresh_for_longer(self) -> None:
        """An owner that confirms a row makes it fresh again."""
        cache = ResponseCache(OPTIONS)
        await fill(cache, lamp())
        await asyncio.sleep(0.9)
        await fill(cache, lamp())
        await asyncio.sleep(0.9)

        assert await number_found(cache) == 1

    async def test_look_and_put_are_one_step(self) -> None:
        """Nothing of the cache gives up the turn, so nobody puts between a look and its put."""
        cache = ResponseCache(OPTIONS)

        for work in (
            cache.put_newer(lamp(2)),
            cache.fill({LAMP: lamp(1)}, asked_at_s=now_s()),
            cache.find({LAMP: SHARING}),
        ):
            assert gives_up_no_turn(work)

    def test_a_rows_place_is_taken_by_a_row_alone(self) -> None:
        """Absence has no version to compare: a row leaves by itself, in a moment."""
        row, later_absence = Heard(lamp(), 1.0), Heard(None, 2.0)

        assert not replaces(later_absence, row)

    @pytest.mark.parametrize(("asked_at_s", "is_replaced"), [(0.9, False), (1.1, True)])
    def test_an_absence_gives_way_to_what_was_asked_later(
        self, asked_at_s: float, *, is_replaced: bool
    ) -> None:
        """A row asked for earlier may be the very row that has been deleted."""
        absence = Heard(None, 1.0)

        assert replaces(Heard(lamp(), asked_at_s), absence) == is_replaced


class TestBound:
    async def test_the_cache_is_bounded(self) -> None:
        """A hundred rows, one a millisecond, through a cache of ten leave the last ten."""
        cache = ResponseCache(SharingOptions(fresh_s=FRESH_S, entry_limit=10))
        questions = [Question(product_key(f"p-{number}")) for number in range(100)]

        for question in questions:
            await cache.put_newer(product_row(question.key.id))
            await asyncio.sleep(0.001)

        kept = await cache.find(dict.fromkeys(questions, SHARING))
        assert [question.key.id for question in kept] == [f"p-{n}" for n in range(90, 100)]

    async def test_what_had_to_leave_is_not_undone_either(self) -> None:
        """A newer row was forgotten for want of room: an answer from before it is not kept."""
        cache = ResponseCache(SharingOptions(fresh_s=FRESH_S, entry_limit=1))
        await asyncio.sleep(0.5)
        await cache.put_newer(lamp(2))
        await cache.put_newer(product_row("p-2"))

        await fill(cache, lamp(1), asked_at_s=0.4)

        assert await found(cache) is None


class TestInTheHouse:
    """The cache behind single-flight, as readers meet it."""

    async def test_after_the_landing_readers_are_served_from_memory(self) -> None:
        """For a second, whoever may share costs no call and no wait."""
        async with open_house(lamp(), options=OPTIONS) as house:
            await house.reader()
            await asyncio.sleep(0.5)
            asked_at_s = now_s()

            heard = await house.reader()

            assert number_of(heard) == 1
            assert (heard.asked_at_s, now_s()) == (0.0, asked_at_s)
            assert len(house.owners.calls) == 1

    async def test_a_write_here_is_shown_at_once(self) -> None:
        """The written row takes the old one's place, and covers its writer's demand."""
        async with open_house(lamp(1), options=OPTIONS) as house:
            await house.reader()
            await house.shared.put_newer(lamp(2))

            assert number_of(await house.reader(at_least(2))) == 2
            assert number_of(await house.reader()) == 2
            assert len(house.owners.calls) == 1

    async def test_a_call_that_was_on_its_way_does_not_undo_a_write(self) -> None:
        """It lands with the old row for those who wait; whoever comes later sees the new one."""
        async with open_house(lamp(1), options=OPTIONS) as house:
            early = house.reader()
            await asyncio.sleep(0.05)
            await house.shared.put_newer(lamp(2))

            assert number_of(await early) == 1
            assert number_of(await house.reader()) == 2

    async def test_who_may_not_share_refreshes_it_for_the_others(self) -> None:
        """Her answer is the newest there is, and is kept."""
        async with open_house(lamp(1), options=OPTIONS) as house:
            await house.reader()
            house.owners.own(lamp(2))
            await house.reader(ALONE)

            assert number_of(await house.reader()) == 2
            assert len(house.owners.calls) == 2

    async def test_a_flight_on_its_way_is_newer_than_anything_kept(self) -> None:
        """Single-flight is outside the cache: who may join waits for the newer answer."""
        async with open_house(lamp(1), options=OPTIONS) as house:
            await house.reader()
            house.owners.own(lamp(2))
            house.reader(ALONE)
            await let_everybody_run()

            assert number_of(await house.reader()) == 2
            assert now_s() == pytest.approx(2 * CALL_S)


def gives_up_no_turn(work: Coroutine[None, None, object]) -> bool:
    """Whether a coroutine runs to its end without ever waiting."""
    try:
        work.send(None)
    except StopIteration:
        return True
    work.close()
    return False
