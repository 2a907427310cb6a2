"""One call on the wire for all who ask alike, and nobody shown what began before she asked."""

import asyncio

import pytest

from projections.versions import AggregateKey, AggregateType
from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.live_demand import Heard, Question
from resolvers.upstream.options import SharingOptions
from tests.resolvers.upstream.builders import a_context, a_product, let_everybody_run, now_s
from tests.resolvers.upstream.sharing import (
    ALONE,
    CALL_S,
    LAMP,
    MUG,
    SHARING,
    at_least,
    lamp,
    number_of,
    open_house,
)

pytestmark = pytest.mark.steered_time


async def numbers_of(readers: "list[asyncio.Task[Heard]]") -> list[int | None]:
    return [number_of(await reader) for reader in readers]


async def test_readers_of_the_same_row_share_one_call() -> None:
    """Five hundred readers of one cold row are one call, and each has its answer."""
    async with open_house(lamp(7)) as house:
        readers = [house.reader() for _ in range(500)]

        assert await numbers_of(readers) == [7] * 500
        assert house.owners.calls == [("p-1",)]


async def test_a_reader_may_join_a_call_that_is_half_way() -> None:
    """Who comes 60 ms into a call of 100 ms has her answer 40 ms later."""
    async with open_house(lamp()) as house:
        house.reader()
        await asyncio.sleep(0.06)

        late = house.reader()
        await late

        assert now_s() == pytest.approx(CALL_S)
        assert house.owners.calls == [("p-1",)]


async def test_a_landed_call_is_joined_no_more() -> None:
    """Without a cache, who comes after the landing asks again."""
    async with open_house(lamp()) as house:
        await house.reader()
        await house.reader()

        assert house.owners.calls == [("p-1",), ("p-1",)]


class TestVersions:
    async def test_a_joiner_never_gets_less_than_she_demands(self) -> None:
        """A flight from before a write brings the old row; who demands the new one asks again."""
        async with open_house(lamp(1)) as house:
            earlier = house.reader()
            await asyncio.sleep(0.05)
            house.owners.own(lamp(2))

            writer = house.reader(at_least(2))

            assert number_of(await writer) == 2
            assert number_of(await earlier) == 1
            assert house.owners.calls == [("p-1",), ("p-1",)]

    async def test_a_joiner_is_content_with_what_covers_her_demand(self) -> None:
        """The control: a flight that brings enough is shared, demand or not."""
        async with open_house(lamp(2)) as house:
            readers = [house.reader(), house.reader(at_least(1)), house.reader(at_least(2))]

            assert await numbers_of(readers) == [2, 2, 2]
            assert house.owners.calls == [("p-1",)]

    async def test_all_who_were_shown_too_little_ask_again_together(self) -> None:
        """A hundred joiners of a flight that brings too little are one call more, not a hundred."""
        async with open_house(lamp(1)) as house:
            house.reader()
            await asyncio.sleep(0.05)
            house.owners.own(lamp(2))

            readers = [house.reader(at_least(2)) for _ in range(100)]

            assert await numbers_of(readers) == [2] * 100
            assert len(house.owners.calls) == 2

    async def test_the_epoch_dominates(self) -> None:
        """A high number of an old epoch covers no demand of the new one."""
        async with open_house(lamp(9)) as house:
            house.reader()
            await asyncio.sleep(0.05)

            heard = await house.reader(at_least(1, epoch=2))

            assert number_of(heard) == 9
            assert heard.asked_at_s == pytest.approx(CALL_S)

    async def test_absence_covers_no_demanded_version(self) -> None:
        """Who knows of a version is not told from an older flight that there is no such row."""
        async with open_house() as house:
            house.reader()
            await asyncio.sleep(0.05)
            house.owners.own(lamp(1))

            assert number_of(await house.reader(at_least(1))) == 1

    async def test_she_asks_again_once_and_takes_what_comes(self) -> None:
        """An owner that is behind ends it: the second answer was asked for after she asked."""
        async with open_house(lamp(1)) as house:
            house.reader()
            await asyncio.sleep(0.05)

            heard = await house.reader(at_least(2))

            assert number_of(heard) == 1
            assert len(house.owners.calls) == 2

    async def test_a_flight_that_was_overtaken_is_joined_no_more(self) -> None:
        """Once a newer row is known here, who comes does not even wait for the older one."""
        async with open_house(lamp(1)) as house:
            house.reader()
            await asyncio.sleep(0.05)
            house.owners.own(lamp(2))
            await house.shared.put_newer(lamp(2))

            heard = await house.reader()

            assert number_of(heard) == 2
            assert now_s() == pytest.approx(0.05 + CALL_S)

    async def test_what_is_no_news_overtakes_nothing(self) -> None:
        """A row that is known already is no reason to let a flight alone."""
        async with open_house(lamp(2), options=SharingOptions()) as house:
            await house.shared.put_newer(lamp(2))
            house.reader(ALONE)
            await let_everybody_run()
            await house.shared.put_newer(lamp(1))

            await house.reader()

            assert house.owners.calls == [("p-1",)]


class TestReadersWhoMayNotShare:
    async def test_she_joins_no_flight_from_before_she_asked(self) -> None:
        """Where no version can tell what is new enough, only an own question can."""
        async with open_house(lamp(1)) as house:
            house.reader()
            await asyncio.sleep(0.05)
            house.owners.own(lamp(2))

            assert number_of(await house.reader(ALONE)) == 2
            assert house.owners.calls == [("p-1",), ("p-1",)]

    async def test_others_may_join_hers(self) -> None:
        """Her flight is the newest there is, so whoever comes later and may share joins that."""
        async with open_house(lamp(1)) as house:
            house.reader()
            await asyncio.sleep(0.05)
            house.owners.own(lamp(2))
            house.reader(ALONE)
            await let_everybody_run()

            assert number_of(await house.reader()) == 2
            assert len(house.owners.calls) == 2


class TestFailures:
    async def test_a_failure_is_shared_with_those_who_joined_it(self) -> None:
        """Ten readers of a dead service are one call; each is told, with an error of her own."""
        async with open_house() as house:
            house.owners.failure = UpstreamUnavailable("products", retry_after_s=1.0)

            heard = [await reader for reader in [house.reader() for _ in range(10)]]

            errors = [told.answer for told in heard]
            assert house.owners.calls == [("p-1",)]
            assert {str(error) for error in errors} == {"products is unavailable"}
            assert len({id(error) for error in errors}) == 10

    async def test_who_did_not_join_hears_nothing_of_a_failure(self) -> None:
        """The service is back: whoever asks after the landing has her row."""
        async with open_house(lamp()) as house:
            house.owners.failure = UpstreamUnavailable("products")
            await house.reader()
            house.owners.failure = None

            assert number_of(await house.reader()) == 1

    async def test_a_mistake_of_ours_reaches_whoever_waits(self) -> None:
        """It is raised where it can be told, and the next flight begins as ever."""
        async with open_house(lamp()) as house:
            house.owners.mistake = ZeroDivisionError()
            with pytest.raises(ZeroDivisionError):
                await house.hear({LAMP: SHARING})
            house.owners.mistake = None

            assert number_of(await house.hear({LAMP: SHARING})) == 1


class TestBatches:
    async def test_rows_on_their_way_are_left_out_of_the_next_batch(self) -> None:
        """One of two rows is in flight already: it is joined, and only the other is asked for."""
        async with open_house(lamp(), a_product("p-2")) as house:
            house.reader()
            await asyncio.sleep(0.05)

            heard = await house.shared.read({LAMP: SHARING, MUG: SHARING}, a_context())

            assert {question.key.id: number_of(told) for question, told in heard.items()} == {
                "p-1": 1,
                "p-2": 1,
            }
            assert house.owners.calls == [("p-1",), ("p-2",)]

    async def test_a_batch_stays_one_call(self) -> None:
        """Rows of a type that are asked for together go out together."""
        async with open_house(lamp(), a_product("p-2")) as house:
            await house.shared.read({LAMP: SHARING, MUG: SHARING}, a_context())

            assert house.owners.calls == [("p-1", "p-2")]

    async def test_a_batch_is_wanted_while_anybody_wants_one_row_of_it(self) -> None:
        """Its leader leaves; a joiner of one row still has it."""
        async with open_house(lamp(), a_product("p-2")) as house:
            leader = house.group.create_task(house.hear({LAMP: SHARING, MUG: SHARING}))
            await let_everybody_run()
            joiner = house.reader(question=MUG)
            await let_everybody_run()
            leader.cancel()

            assert number_of(await joiner) == 1

    async def test_what_shapes_the_answer_parts_the_flights(self) -> None:
        """Questions with and without ``Min-Version``, and with different ones, share nothing."""
        async with open_house(lamp()) as house:
            questions = [Question(LAMP.key, number) for number in (None, 2, 3)]

            await asyncio.wait([house.reader(question=question) for question in questions])

            assert len(house.owners.calls) == 3

    async def test_an_order_is_a_call_of_its_own(self) -> None:
        """Orders have no batches: two of them are two calls at once."""
        async with open_house() as house:
            orders = [Question(AggregateKey(AggregateType.ORDER, of)) for of in ("o-1", "o-2")]

            await house.shared.read(dict.fromkeys(orders, SHARING), a_context())

            assert house.owners.calls == [("o-1",), ("o-2",)]
            assert now_s() == pytest.approx(CALL_S)
