import asyncio

import pytest

from gateway.watcher import NOTHING_COMES, PATIENCE_S, Hearing, HearingState, StoreWatcher
from projections.redis_store.cuts import Stamp
from projections.redis_store.news import News
from projections.redis_store.signals import AnnouncementsMissed, StoreLost, StoreRecovered

pytestmark = pytest.mark.steered_time

LISTENING = Hearing(HearingState.LISTENING)
DEAF = Hearing(HearingState.DEAF, NOTHING_COMES)


def at(sequence: int, incarnation: str = "a") -> Stamp:
    return Stamp(incarnation, sequence)


def news(sequence: int, incarnation: str = "a") -> News:
    return News(at(sequence, incarnation), {}, frozenset(), {}, frozenset())


def subscribed() -> StoreWatcher:
    """A watcher whose store stood at 7 when it had subscribed."""
    watcher = StoreWatcher()
    watcher.follow(None)
    watcher.compare(at(7))
    return watcher


async def test_a_watcher_starts_and_then_listens() -> None:
    """Before the first subscription it is neither deaf nor listening."""
    watcher = StoreWatcher()
    before = watcher.hearing
    watcher.follow(None)

    assert before == Hearing(HearingState.STARTING)
    assert watcher.hearing == LISTENING


async def test_a_lost_subscription_is_told_at_once_with_its_reason() -> None:
    """What the store says of its server is why the watcher is deaf, until it has recovered."""
    watcher = subscribed()

    watcher.observe(StoreLost("the server cannot be reached"))
    watcher.follow(None)
    lost = watcher.hearing
    watcher.observe(StoreRecovered())
    watcher.follow(None)

    assert lost == Hearing(HearingState.DEAF, "the server cannot be reached")
    assert watcher.hearing == LISTENING


async def test_a_server_that_was_never_there_makes_it_deaf() -> None:
    """A gateway that starts before its store says why it hears nothing."""
    watcher = StoreWatcher()

    watcher.observe(StoreLost("the server cannot be reached"))
    watcher.follow(None)

    assert watcher.hearing.state is HearingState.DEAF


async def test_writes_that_are_not_heard_of_make_it_deaf() -> None:
    """A subscription that stands and brings nothing shows by what others see written."""
    watcher = subscribed()

    watcher.compare(at(8))
    await asyncio.sleep(PATIENCE_S)
    patient = watcher.hearing
    watcher.compare(at(12))
    await asyncio.sleep(0.001)

    assert patient == LISTENING
    assert watcher.hearing == DEAF


async def test_one_word_that_is_heard_proves_the_watcher_alive() -> None:
    """News that come late are news, and the count begins anew."""
    watcher = subscribed()
    watcher.compare(at(8))
    await asyncio.sleep(PATIENCE_S + 1)
    watcher.follow(news(8))
    healed = watcher.hearing
    watcher.compare(at(9))
    await asyncio.sleep(PATIENCE_S / 2)

    assert healed == LISTENING
    assert watcher.hearing == LISTENING


async def test_a_store_that_nobody_writes_to_has_no_news() -> None:
    """Silence is not deafness where there is nothing to be heard."""
    watcher = subscribed()
    for _ in range(100):
        watcher.compare(at(7))
        await asyncio.sleep(1)

    assert watcher.hearing == LISTENING


async def test_news_may_be_ahead_of_a_read() -> None:
    """A read that was under way when news came tells of an earlier moment, and proves nothing."""
    watcher = subscribed()
    watcher.follow(news(9))
    watcher.compare(at(8))
    await asyncio.sleep(PATIENCE_S + 1)

    assert watcher.hearing == LISTENING


async def test_a_server_that_begins_anew_is_counted_anew() -> None:
    """Places of two incarnations do not compare; what is written from then on is to be heard."""
    watcher = subscribed()
    watcher.compare(at(1, "b"))
    await asyncio.sleep(PATIENCE_S + 1)
    anew = watcher.hearing
    watcher.compare(at(2, "b"))
    await asyncio.sleep(PATIENCE_S + 1)

    assert anew == LISTENING
    assert watcher.hearing == DEAF


async def test_a_store_without_a_first_write_says_nothing() -> None:
    """Before the first write there is no place to compare with."""
    watcher = subscribed()
    watcher.compare(None)
    await asyncio.sleep(PATIENCE_S + 1)

    assert watcher.hearing == LISTENING


async def test_other_signals_of_the_store_are_no_deafness() -> None:
    """A hole in the news is healed by looking, and is not the end of hearing."""
    watcher = subscribed()
    watcher.observe(AnnouncementsMissed())

    assert watcher.hearing == LISTENING
