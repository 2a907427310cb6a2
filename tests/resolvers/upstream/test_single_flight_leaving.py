"""A flight belongs to nobody who waits for it: it is wanted as long as anybody does, no longer."""

import asyncio

import pytest

from resolvers.upstream.errors import DeadlineExceeded, UpstreamUnavailable
from resolvers.upstream.live_demand import LiveDemand
from resolvers.upstream.options import SharingOptions
from resolvers.upstream.shared_reads import SharedReads
from tests.resolvers.upstream.builders import a_context, let_everybody_run, now_s
from tests.resolvers.upstream.sharing import (
    KEEPING_NOTHING,
    LAMP,
    FakeOwners,
    House,
    lamp,
    number_of,
    open_house,
)

pytestmark = pytest.mark.steered_time


class TestLeaving:
    async def test_a_leader_who_leaves_fails_nobody(self) -> None:
        """The flight belongs to the process: it lands for those who joined it."""
        async with open_house(lamp()) as house:
            leader = house.reader()
            await let_everybody_run()
            joiner = house.reader()
            await let_everybody_run()

            leader.cancel()

            assert number_of(await joiner) == 1
            assert house.owners.calls == [("p-1",)]

    async def test_a_leaders_deadline_is_hers_alone(self) -> None:
        """She is answered at her deadline; who has more time gets the answer of the same call."""
        async with open_house(lamp(), owners=FakeOwners(call_s=0.8)) as house:
            leader = house.reader(timeout_s=0.3)
            await let_everybody_run()
            joiner = house.reader(timeout_s=2.0)

            assert isinstance((await leader).answer, DeadlineExceeded)
            assert now_s() == pytest.approx(0.3)
            assert number_of(await joiner) == 1
            assert now_s() == pytest.approx(0.8)
            assert house.owners.calls == [("p-1",)]

    async def test_a_joiner_keeps_her_own_deadline(self) -> None:
        """Who has less time than the leader is answered sooner, with a deadline of her own."""
        async with open_house(lamp(), owners=FakeOwners(call_s=0.8)) as house:
            leader = house.reader()
            joiner = house.reader(timeout_s=0.2)

            assert isinstance((await joiner).answer, DeadlineExceeded)
            assert now_s() == pytest.approx(0.2)
            assert number_of(await leader) == 1

    async def test_when_the_last_one_leaves_the_call_is_cancelled_at_once(self) -> None:
        """A flight that nobody waits for holds no place at the owner."""
        async with open_house(owners=FakeOwners(call_s=60.0)) as house:
            readers = [house.reader(timeout_s=9.0) for _ in range(3)]
            await asyncio.sleep(0.5)
            for reader in readers:
                reader.cancel()
            await asyncio.wait(readers)
            await let_everybody_run()

            assert house.owners.cancelled_at_s == [0.5]

    async def test_the_longest_deadline_ends_the_call(self) -> None:
        """With deadlines of 0.2 s and 0.7 s the call is on the wire for 0.7 s."""
        async with open_house(owners=FakeOwners(call_s=60.0)) as house:
            await asyncio.wait([house.reader(timeout_s=0.2), house.reader(timeout_s=0.7)])
            await let_everybody_run()

            assert house.owners.cancelled_at_s == [0.7]

    async def test_who_comes_after_the_last_one_left_is_not_cancelled_with_it(self) -> None:
        """In the very turn in which a flight is called off, a new reader begins another."""
        async with open_house(lamp()) as house:
            first = house.reader()
            await asyncio.sleep(0.05)
            first.cancel()
            second = house.reader()

            assert number_of(await second) == 1
            assert len(house.owners.calls) == 2

    @pytest.mark.parametrize("mistake", [None, ZeroDivisionError()])
    async def test_what_comes_of_a_call_that_was_called_off_is_nobodys(
        self, mistake: Exception | None
    ) -> None:
        """An answer or a mistake that came in the moment of the cancelling troubles nobody."""
        owners = FakeOwners(is_stubborn=True, mistake=mistake)
        async with open_house(lamp(), owners=owners) as house:
            reader = house.reader()
            await asyncio.sleep(0.05)
            reader.cancel()
            await asyncio.wait([reader])
            await let_everybody_run()
            owners.mistake = None

            assert number_of(await house.reader()) == 1

    async def test_owners_are_told_how_long_anybody_waits(self) -> None:
        """What is sent as time left follows the longest deadline of those on board."""
        async with open_house(lamp()) as house:
            house.reader(timeout_s=0.3)
            await let_everybody_run()
            [context] = house.owners.contexts
            told_first = context.headers()["X-Deadline-Ms"]
            house.reader(timeout_s=1.5)
            await let_everybody_run()

            assert (told_first, context.headers()["X-Deadline-Ms"]) == ("300", "1500")

    async def test_a_flight_is_prolonged_only_so_far(self) -> None:
        """Who can wait longer than a flight may last begins her own."""
        options = SharingOptions(
            fresh_s=0, absent_fresh_s=0, while_revalidate_s=0, if_error_s=0, extension_s=1.0
        )
        async with open_house(lamp(), options=options) as house:
            await asyncio.wait([house.reader(timeout_s=1.0), house.reader(timeout_s=2.5)])

            assert len(house.owners.calls) == 2

    async def test_nothing_starts_after_the_deadline(self) -> None:
        """A reader whose time is over asks nobody."""
        async with open_house(lamp()) as house:
            heard = await house.reader(timeout_s=0)

            assert isinstance(heard.answer, DeadlineExceeded)
            assert house.owners.calls == []


class TestOpening:
    async def test_closing_ends_the_calls_and_tells_who_waits(self) -> None:
        """What is on the wire when the process ends is cancelled; nobody waits for ever."""
        owners = FakeOwners(call_s=60.0)
        shared = SharedReads(owners.ask, KEEPING_NOTHING)
        async with asyncio.TaskGroup() as group:
            async with shared.open():
                reader = House(shared, owners, group).reader()
                await asyncio.sleep(0.2)
            told = (await reader).answer

            assert isinstance(told, UpstreamUnavailable)
            assert owners.cancelled_at_s == [0.2]

    async def test_a_call_needs_an_owner_of_its_task(self) -> None:
        """Before opening nothing can fly."""
        shared = SharedReads(FakeOwners().ask, KEEPING_NOTHING)

        with pytest.raises(RuntimeError, match="open"):
            await shared.read({LAMP: LiveDemand()}, a_context())
