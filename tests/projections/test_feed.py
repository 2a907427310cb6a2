"""The feed as a source: what it asks, what it makes of an answer, and what an answer proves."""

import asyncio

import pytest

from projections.errors import CursorUnknown, SourceBroken, SourceUnavailable
from projections.events import PoisonEvent, StateChange, UnknownEvent
from projections.feed import FeedOptions, FeedSource, number_of_log
from projections.positions import NEVER_S, LogPlace, Partition, SourcePosition
from tests.builders.rows import cloud_event, customer_key, customer_row, order_row
from tests.projections.fake_feed import GONE, Answer, FakeFeed, an_answer

ASKED_AT_S = 1_000.0
OPTIONS = FeedOptions(batch_limit=2, wait_s=1.5, grace_s=4.0)


class WallClock:
    """Says one time after the other, and the last one for ever."""

    def __init__(self, *times_s: float) -> None:
        self._times_s = list(times_s)

    def __call__(self) -> float:
        return self._times_s.pop(0) if len(self._times_s) > 1 else self._times_s[0]


def a_source(answer: Answer, *, answered_at_s: float = ASKED_AT_S) -> FeedSource:
    feed = FakeFeed()
    feed.next_answers.append(answer)
    clock = WallClock(ASKED_AT_S, answered_at_s)
    return FeedSource("customers", feed, OPTIONS, wall_clock=clock)


async def position_of(answer: Answer, *, answered_at_s: float = ASKED_AT_S) -> SourcePosition:
    return (await a_source(answer, answered_at_s=answered_at_s).fetch("log-0")).position


EVENT = cloud_event(customer_row())


class TestAsking:
    async def test_log_is_read_from_its_start_without_a_cursor(self) -> None:
        """No position yet means no cursor: the whole log is wanted."""
        feed = FakeFeed(customer_row())

        await FeedSource("customers", feed, OPTIONS).fetch(None)

        assert feed.asked == [{"limit": "2", "wait_s": "1.5"}]

    async def test_log_is_read_on_from_a_cursor(self) -> None:
        """The cursor goes back to the service as it came."""
        feed = FakeFeed()
        feed.next_answers.append(an_answer())

        await FeedSource("customers", feed, OPTIONS).fetch("0f96-ed/42 82a5&x")

        assert feed.asked == [{"limit": "2", "wait_s": "1.5", "after": "0f96-ed/42 82a5&x"}]

    async def test_answer_may_take_longer_than_the_poll(self) -> None:
        """A service that holds the poll as asked is not taken for a dead one."""
        feed = FakeFeed(customer_row())

        await FeedSource("customers", feed, OPTIONS).fetch(None)

        assert feed.timeouts_s == [5.5]


class TestAnswers:
    async def test_events_come_parsed_and_in_order(self) -> None:
        """Changes, unknown and poisonous events all keep their places."""
        poisonous = cloud_event(customer_row("c-2", 3), data={})
        answer = an_answer(EVENT, {"type": "invoice.sent"}, poisonous, cursor="log-3")

        batch = await a_source(answer).fetch(None)

        changed, unknown, poison = batch.events
        assert batch.partition == Partition("customers")
        assert isinstance(changed, StateChange)
        assert changed.row == customer_row()
        assert unknown == UnknownEvent("invoice.sent")
        assert isinstance(poison, PoisonEvent)
        assert poison.key == customer_key("c-2")
        assert batch.position.cursor == "log-3"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>",
            b"[]",
            b"{}",
            b'{"events": []}',
            b'{"events": {}, "cursor": "log-1"}',
            b'{"events": [], "cursor": 1}',
            b'{"events": [], "cursor": "\xff"}',
            b'{"events": [], "cursor": "a-1", "log": 7, "place": 1}',
            b'{"events": [], "cursor": "a-1", "log": "", "place": 1}',
            b'{"events": [], "cursor": "a-1", "log": "a", "place": "1"}',
            b'{"events": [], "cursor": "a-1", "log": "a", "place": -1}',
            b'{"events": [], "cursor": "a-1", "log": "a", "place": 9007199254740992}',
            b'{"events": [], "cursor": "a-1", "provenAt": 1000.0}',
            b'{"events": [], "cursor": "a-1", "provenAt": "yesterday"}',
            b'{"events": [], "cursor": "a-1", "provenAt": "2025-01-06T09:35:05.703"}',
            b'{"events": [' + b"[" * 100_000 + b"]" * 100_000 + b'], "cursor": "log-1"}',
        ],
    )
    async def test_answer_that_is_no_feed_breaks_the_source(self, body: bytes) -> None:
        """What is not understood is not skipped."""
        with pytest.raises(SourceBroken, match="customers: not a feed"):
            await a_source((200, body)).fetch("log-0")

    @pytest.mark.parametrize("event", [None, {}, {"type": "order.placed"}, "text"])
    async def test_event_of_nobody_breaks_the_source(self, event: object) -> None:
        """An event that may be anybody's holds up all that come with it."""
        with pytest.raises(SourceBroken, match="customers: not an event"):
            await a_source(an_answer(EVENT, event)).fetch("log-0")

    async def test_unknown_cursor_is_told(self) -> None:
        """410 means: this is another log than the one we have read."""
        with pytest.raises(CursorUnknown) as raised:
            await a_source(GONE).fetch("log-0")

        assert raised.value.source == "customers"

    async def test_gone_without_a_cursor_breaks_the_source(self) -> None:
        """Who asked from the start cannot start over once more."""
        with pytest.raises(SourceBroken):
            await a_source(GONE).fetch(None)

    async def test_service_that_does_not_answer_is_unavailable(self) -> None:
        """What the wire reports is passed on."""
        feed = FakeFeed()
        feed.next_answers.append(SourceUnavailable("customers", "refused"))

        with pytest.raises(SourceUnavailable, match="refused"):
            await FeedSource("customers", feed, OPTIONS).fetch(None)


class TestCaughtUp:
    @pytest.mark.parametrize(
        ("answer", "is_caught_up"),
        [
            (an_answer(EVENT, EVENT, remaining=0), True),
            (an_answer(EVENT, remaining=3), False),
            (an_answer(remaining=0), True),
            (an_answer(remaining=3), False),
            (an_answer(EVENT, EVENT), False),
            (an_answer(EVENT), True),
            (an_answer(), True),
        ],
    )
    async def test_source_says_or_shows_that_it_was_read_out(
        self, answer: Answer, *, is_caught_up: bool
    ) -> None:
        """Where a service does not tell what remains, a batch that is not full is the last one."""
        position = await position_of(answer)

        assert position.is_caught_up is is_caught_up

    @pytest.mark.parametrize("remaining", [None, 0, 42])
    async def test_lag_is_what_the_service_tells(self, remaining: int | None) -> None:
        """A lag that nobody told is unknown, not zero."""
        position = await position_of(an_answer(EVENT, remaining=remaining))

        assert position.remaining_count == remaining


class TestPlaces:
    async def test_place_is_that_of_the_answer_s_end(self) -> None:
        """The log by its name, and how many events of it have been told."""
        position = await position_of(an_answer(EVENT, log="0f96ed4282a5", place=200))

        assert position.places == {0: LogPlace(number_of_log("0f96ed4282a5"), 200)}

    async def test_log_has_the_same_number_in_every_process(self) -> None:
        """Tokens carry it from one gateway to another."""
        assert number_of_log("0f96ed4282a5") == 4_199_277_912

    @pytest.mark.parametrize(
        "answer",
        [
            an_answer(EVENT),
            an_answer(EVENT, log="a"),
            an_answer(EVENT, place=7),
            an_answer(EVENT, log=None, place=None),
        ],
    )
    async def test_feed_that_does_not_tell_has_no_place(self, answer: Answer) -> None:
        """A log without a place, or a place in no log, compares with nothing."""
        assert (await position_of(answer)).places == {}

    async def test_log_made_anew_is_another(self) -> None:
        """Equal offsets of two logs of one service are told apart."""
        feed = FakeFeed(customer_row())
        source = FeedSource("customers", feed, OPTIONS)

        before = (await source.fetch(None)).position.places[0]
        feed.start_anew()
        feed.commit(customer_row())
        after = (await source.fetch(None)).position.places[0]

        assert before.offset == after.offset == 1
        assert before.log != after.log

    async def test_recognising_a_cursor_changes_nothing(self) -> None:
        """What the service says of its log is all there is to know."""
        feed = FakeFeed(customer_row())
        source = FeedSource("customers", feed, OPTIONS)

        source.recognise("another-1")

        assert (await source.fetch(None)).position.cursor == feed.cursor_at(1)


class TestProof:
    async def test_answer_with_events_proves_the_moment_of_asking(self) -> None:
        """The log was read after we asked; how much later, nobody knows, late as it came."""
        position = await position_of(an_answer(EVENT), answered_at_s=ASKED_AT_S + 1.6)

        assert position.proven_at_s == ASKED_AT_S

    async def test_empty_answer_proves_the_moment_of_asking_too(self) -> None:
        """It may have been held for us or been long on its way: nobody here can tell."""
        position = await position_of(an_answer(), answered_at_s=ASKED_AT_S + 1.6)

        assert position.proven_at_s == ASKED_AT_S

    @pytest.mark.parametrize(
        ("told", "proven_at_s"),
        [("1970-01-01T00:10:00.500Z", 600.5), ("1970-01-01T01:10:00+01:00", 600.0)],
    )
    async def test_service_that_says_what_it_proves_is_believed(
        self, told: str, proven_at_s: float
    ) -> None:
        """Where its relay has stopped, an answer proves less than that it came."""
        position = await position_of(an_answer(remaining=0, provenAt=told))

        assert position.proven_at_s == proven_at_s

    async def test_service_whose_clock_is_ahead_does_not_prove_the_future(self) -> None:
        """Nobody can prove more than that all was told when we asked."""
        position = await position_of(an_answer(provenAt="1970-01-01T01:00:00Z"))

        assert position.proven_at_s == ASKED_AT_S

    async def test_answer_before_the_log_s_end_proves_nothing(self) -> None:
        """What remains may have been committed long ago, whatever the service says."""
        position = await position_of(an_answer(remaining=3, provenAt="1970-01-01T00:16:00Z"))

        assert position.proven_at_s == NEVER_S

    @pytest.mark.parametrize("answer", [an_answer(), an_answer(EVENT)])
    async def test_proof_is_never_in_the_future(self, answer: Answer) -> None:
        """A wall clock that was set back meanwhile makes nothing fresher than now."""
        position = await position_of(answer, answered_at_s=ASKED_AT_S - 60.0)

        assert position.proven_at_s == ASKED_AT_S - 60.0

    @pytest.mark.steered_time
    async def test_proofs_of_a_quiet_source_follow_the_present(self) -> None:
        """Poll after poll, the proof is as old as the last poll."""
        loop = asyncio.get_running_loop()
        feed = FakeFeed(order_row())
        source = FeedSource("orders", feed, OPTIONS, wall_clock=loop.time)

        first = await source.fetch(None)
        second = await source.fetch(first.position.cursor)
        third = await source.fetch(second.position.cursor)

        assert [len(batch.events) for batch in (first, second, third)] == [1, 0, 0]
        proofs_s = [batch.position.proven_at_s for batch in (first, second, third)]
        assert proofs_s == [0.0, 0.0, 1.5]
