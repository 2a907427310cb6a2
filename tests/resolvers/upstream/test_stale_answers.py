"""Rows that have gone stale: shown while they are asked for anew, or offered beside a failure."""

import asyncio

import pytest

from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.live_demand import Kept
from resolvers.upstream.options import SharingOptions
from resolvers.upstream.response_cache import ResponseCache
from tests.builders.rows import product_row
from tests.resolvers.upstream.builders import let_everybody_run, now_s
from tests.resolvers.upstream.sharing import (
    ALONE,
    CALL_S,
    LAMP,
    MUG,
    SHARING,
    FakeOwners,
    House,
    at_least,
    lamp,
    number_of,
    open_house,
)

pytestmark = pytest.mark.steered_time

FRESH_S = 1.0
SHOWN_S = 2.0
KEPT_S = 60.0
OPTIONS = SharingOptions(
    fresh_s=FRESH_S,
    absent_fresh_s=0.1,
    while_revalidate_s=SHOWN_S - FRESH_S,
    early_refresh_ratio=0.0,
    if_error_s=KEPT_S,
)
DOWN = UpstreamUnavailable("products")


async def break_down(house: House) -> None:
    """From now on every call fails at once."""
    house.owners.failure = DOWN
    house.owners.call_s = 0.0


class TestWhileRevalidating:
    async def test_a_stale_row_is_shown_at_once_and_asked_for_anew(self) -> None:
        """The reader waits for nothing, is told the true age, and the next one sees the new row."""
        async with open_house(lamp(1), options=OPTIONS) as house:
            await house.reader()
            house.owners.own(lamp(2))
            await asyncio.sleep(1.5 - CALL_S)

            heard = await house.reader()
            answered_at_s = now_s()
            await asyncio.sleep(CALL_S)

            assert (number_of(heard), heard.asked_at_s, answered_at_s) == (1, 0.0, 1.5)
            assert number_of(await house.reader()) == 2
            assert len(house.owners.calls) == 2

    async def test_one_call_is_enough_for_a_crowd(self) -> None:
        """A hundred readers of a stale row are shown it, and cause one call."""
        async with open_house(lamp(), options=OPTIONS) as house:
            await house.reader()
            await asyncio.sleep(1.5)

            crowd = [house.reader() for _ in range(100)]
            await asyncio.wait(crowd)

            assert {number_of(reader.result()) for reader in crowd} == {1}
            assert len(house.owners.calls) == 2

    async def test_the_control_waits(self) -> None:
        """Without it the same reader waits for the owner."""
        options = SharingOptions(fresh_s=FRESH_S, while_revalidate_s=0)
        async with open_house(lamp(), options=options) as house:
            await house.reader()
            await asyncio.sleep(1.5)
            asked_at_s = now_s()

            await house.reader()

            assert now_s() == pytest.approx(asked_at_s + CALL_S)

    async def test_beyond_its_window_it_is_waited_for(self) -> None:
        """Two seconds after its question a row is not shown any more, unless its owner fails."""
        async with open_house(lamp(), options=OPTIONS) as house:
            await house.reader()
            await asyncio.sleep(SHOWN_S)
            asked_at_s = now_s()

            heard = await house.reader()

            assert heard.asked_at_s == asked_at_s

    async def test_who_demands_newer_is_not_shown_it(self) -> None:
        """A version that is not kept is asked for, and joined by nobody's leave."""
        async with open_house(lamp(1), options=OPTIONS) as house:
            await house.reader()
            house.owners.own(lamp(2))
            await asyncio.sleep(1.5)

            assert number_of(await house.reader(at_least(2))) == 2
            assert number_of(await house.reader(ALONE)) == 2

    async def test_a_failed_refresh_takes_nothing_away(self) -> None:
        """The row is shown until its window ends; the failure is kept by nobody."""
        async with open_house(lamp(), options=OPTIONS) as house:
            await house.reader()
            await asyncio.sleep(1.5)
            await break_down(house)

            first = await house.reader()
            await asyncio.sleep(0.1)
            second = await house.reader()

            assert (number_of(first), number_of(second)) == (1, 1)

    async def test_an_absence_is_never_shown_stale(self) -> None:
        """Nobody waits to see what has been made elsewhere meanwhile."""
        async with open_house(options=OPTIONS) as house:
            await house.reader()
            house.owners.own(lamp())
            await asyncio.sleep(0.1)

            assert number_of(await house.reader()) == 1

    async def test_where_there_is_no_room_readers_ask_for_themselves(self) -> None:
        """Of two stale rows one is refreshed in the background, for the other its reader waits."""
        options = SharingOptions(
            fresh_s=FRESH_S, early_refresh_ratio=0.0, refresh_limit=1, while_revalidate_s=1.0
        )
        async with open_house(lamp(), product_row("p-2"), options=options) as house:
            await asyncio.gather(house.reader(), house.reader(question=MUG))
            await asyncio.sleep(1.5 - CALL_S)

            shown = [await house.reader(), await house.reader(question=MUG)]

            assert [heard.asked_at_s for heard in shown] == [0.0, 1.5]

    async def test_refreshes_end_with_the_process(self) -> None:
        """What was begun in the background is called off, and none begins after that."""
        owners = FakeOwners()
        async with open_house(lamp(), options=OPTIONS, owners=owners) as house:
            await house.reader()
            await asyncio.sleep(1.5)
            owners.call_s = 30.0
            await house.reader()
            await let_everybody_run()

        assert owners.cancelled_at_s == [round(1.5 + CALL_S, 6)]

    async def test_a_refresh_that_nobody_answers_ends_by_itself(self) -> None:
        """It is wanted for two seconds, whoever began it."""
        async with open_house(lamp(), options=OPTIONS) as house:
            await house.reader()
            await asyncio.sleep(1.5 - CALL_S)
            house.owners.call_s = 30.0
            await house.reader()
            await asyncio.sleep(5.0)

            assert house.owners.cancelled_at_s == [3.5]

    @pytest.mark.parametrize(("drawn", "due_at_s"), [(0.0, 1.0), (0.5, 0.9), (1.0, 0.8)])
    async def test_the_time_of_a_refresh_is_drawn(self, drawn: float, due_at_s: float) -> None:
        """Rows that came in one batch are asked for anew over the last fifth of their freshness."""
        cache = ResponseCache(SharingOptions(fresh_s=FRESH_S), chance=lambda: drawn)
        await cache.fill({LAMP: lamp()}, asked_at_s=0.0)

        await asyncio.sleep(due_at_s - 0.001)
        before = await cache.find_due({LAMP: SHARING})
        await asyncio.sleep(0.002)

        assert before == {}
        assert list(await cache.find_due({LAMP: SHARING})) == [LAMP]


class TestIfError:
    async def test_beside_a_failure_lies_what_is_kept(self) -> None:
        """The answer is the failure; the last row and its time come with it."""
        async with open_house(lamp(), options=OPTIONS) as house:
            await house.reader()
            await asyncio.sleep(30)
            await break_down(house)

            heard = await house.reader()

            assert isinstance(heard.answer, UpstreamUnavailable)
            assert heard.kept == Kept(lamp(), 0.0)

    async def test_an_answer_has_nothing_beside_it(self) -> None:
        """Where the owner answers, nobody is offered anything older."""
        async with open_house(lamp(), options=OPTIONS) as house:
            await house.reader()
            await asyncio.sleep(30)

            assert (await house.reader()).kept is None

    @pytest.mark.parametrize(("age_s", "is_kept"), [(KEPT_S - 0.001, True), (KEPT_S, False)])
    async def test_it_is_kept_for_a_minute(self, age_s: float, *, is_kept: bool) -> None:
        """From when its owner was asked."""
        cache = ResponseCache(OPTIONS)
        await cache.fill({LAMP: lamp()}, asked_at_s=0.0)

        await asyncio.sleep(age_s)

        assert bool(await cache.find_kept({LAMP: SHARING})) == is_kept

    async def test_the_control_keeps_nothing(self) -> None:
        """With zero seconds a failure stands alone."""
        cache = ResponseCache(SharingOptions(fresh_s=FRESH_S, if_error_s=0))
        await cache.fill({LAMP: lamp()}, asked_at_s=0.0)

        await asyncio.sleep(0.1)

        assert await cache.find_kept({LAMP: SHARING}) == {}

    async def test_only_what_covers_the_demand_is_offered(self) -> None:
        """Neither less than demanded, nor anything to who may not share."""
        cache = ResponseCache(OPTIONS)
        await cache.fill({LAMP: lamp(2)}, asked_at_s=0.0)

        offered = [
            bool(await cache.find_kept({LAMP: demand}))
            for demand in (SHARING, at_least(2), at_least(3), ALONE)
        ]

        assert offered == [True, True, False, False]

    async def test_what_its_owner_has_denied_is_not_offered(self) -> None:
        """A row that was asked for later and is not there any more is shown to nobody for long."""
        cache = ResponseCache(OPTIONS)
        await cache.fill({LAMP: lamp(2)}, asked_at_s=0.0)
        await asyncio.sleep(1.5)
        await cache.fill({LAMP: None}, asked_at_s=1.2)

        assert await cache.find_kept({LAMP: SHARING}) == {}
        assert await cache.find_due({LAMP: SHARING}) == {}

    async def test_a_denied_row_still_fences_off_older_ones(self) -> None:
        """A copy that lags denies what is new: what it shows then is not taken for newer."""
        cache = ResponseCache(OPTIONS)
        await cache.fill({LAMP: lamp(2)}, asked_at_s=0.0)
        await cache.fill({LAMP: None}, asked_at_s=0.5)

        await cache.fill({LAMP: lamp(1)}, asked_at_s=0.6)
        late = await cache.find_kept({LAMP: SHARING})
        await cache.fill({LAMP: lamp(2)}, asked_at_s=0.7)

        assert late == {}
        assert await cache.find_kept({LAMP: SHARING}) == {LAMP: Kept(lamp(2), 0.7)}

    async def test_a_denial_holds_for_what_was_asked_before_it(self) -> None:
        """A newer version that lands late was there before the row was deleted."""
        cache = ResponseCache(OPTIONS)
        await cache.fill({LAMP: lamp(1)}, asked_at_s=0.0)
        await cache.fill({LAMP: None}, asked_at_s=0.5)

        await cache.fill({LAMP: lamp(2)}, asked_at_s=0.4)

        assert await cache.find_kept({LAMP: SHARING}) == {}

    async def test_a_late_fill_undoes_nothing_for_as_long_as_anything_is_kept(self) -> None:
        """A call from before the write lands half a minute after it: the written row is kept."""
        cache = ResponseCache(OPTIONS)
        await asyncio.sleep(1)
        await cache.put_newer(lamp(2))
        await asyncio.sleep(30)

        await cache.fill({LAMP: lamp(1)}, asked_at_s=0.5)

        assert await cache.find_kept({LAMP: SHARING}) == {LAMP: Kept(lamp(2), 1.0)}

    async def test_failures_are_never_kept(self) -> None:
        """Nothing of a failure is there for the next reader."""
        cache = ResponseCache(OPTIONS)
        await cache.fill({LAMP: DOWN}, asked_at_s=0.0)

        found = [await look({LAMP: SHARING}) for look in (cache.find, cache.find_due)]

        assert found == [{}, {}]
        assert await cache.find_kept({LAMP: SHARING}) == {}
