"""Words between processes over the server of the store: heard by all who listen, else lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from projections.errors import StoreUnavailable
from projections.redis_store import RedisStore
from projections.redis_store import words as words_module
from projections.redis_store.connections import Argument, RedisConnection
from projections.redis_store.options import RedisOptions
from projections.redis_store.words import Words
from tests.projections.redis_watched import Collected, hearing, watched
from tests.servers.valkey import Valkey


def a_store(url: str) -> RedisStore:
    return RedisStore(RedisOptions(url=url, connect_timeout_s=5.0))


@asynccontextmanager
async def listening(words: Words) -> AsyncIterator[Collected[bytes]]:
    """Collect what is heard; entered once the subscription stands."""
    heard: Collected[bytes] = Collected()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(words.hear(heard.tell))
        await say_until_heard(words, b"ready?", heard)
        yield heard
        task.cancel()


async def say_until_heard(words: Words, word: bytes, heard: Collected[bytes]) -> None:
    async with asyncio.timeout(20.0):
        while word not in heard.told:
            with suppress(StoreUnavailable):  # not up again yet
                await words.tell(word)
            await asyncio.sleep(0.01)


async def test_a_word_reaches_all_who_listen_to_its_channel(redis_url: str) -> None:
    """Every listener hears it, the speaker's own as well; another channel's does not."""
    store = a_store(redis_url)
    async with (
        listening(store.words("circuits")) as one,
        listening(a_store(redis_url).words("circuits")) as other,
        listening(store.words("weather")) as elsewhere,
    ):
        await store.words("circuits").tell(b"open")
        await one.until_told(b"open")
        await other.until_told(b"open")
        await say_until_heard(store.words("weather"), b"rain", elsewhere)

    assert b"open" not in elsewhere.told


async def test_words_are_not_news_of_the_store(redis_url: str) -> None:
    """Who listens to changes of rows hears nothing of them, and misses nothing."""
    async with (
        watched(redis_url, quiet_s=60.0) as opened,
        listening(opened.store.words("circuits")) as heard,
    ):
        with hearing(opened.store) as announced:
            await say_until_heard(opened.store.words("circuits"), b"open", heard)

    assert [told for told in announced.told if told is not None] == []


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Collected[Argument]:
    """The names of commands sent from now on; a quiet server is asked for a sign of life soon."""
    monkeypatch.setattr(words_module, "QUIET_S", 0.05)
    collected: Collected[Argument] = Collected()
    tell = RedisConnection.tell

    async def noted(connection: RedisConnection, *command: Argument) -> None:
        collected.tell(command[0])
        await tell(connection, *command)

    monkeypatch.setattr(RedisConnection, "tell", noted)
    return collected


async def test_a_quiet_server_is_asked_for_a_sign_of_life(
    redis_url: str, commands: Collected[Argument]
) -> None:
    """However long nobody says a word, the next one is heard, by the same subscription."""
    words = a_store(redis_url).words("circuits")
    async with listening(words) as heard:
        await commands.until(lambda _: commands.told.count("PING") >= 3)
        await words.tell(b"open")
        await heard.until_told(b"open")

    assert commands.told.count("SUBSCRIBE") == 1


async def test_a_server_that_gives_no_sign_of_life_is_left(
    private_valkey: Valkey, commands: Collected[Argument]
) -> None:
    """A connection on which nothing comes, not even what was asked for, is taken for dead."""
    words = a_store(private_valkey.url).words("circuits")
    async with listening(words) as heard:
        private_valkey.pause(0.5)
        await commands.until(lambda _: commands.told.count("SUBSCRIBE") >= 2)
        await say_until_heard(words, b"open", heard)


async def test_a_server_that_comes_back_is_listened_to_again(private_valkey: Valkey) -> None:
    """Words during the outage are lost and telling them fails; after it all is as before."""
    words = a_store(private_valkey.url).words("circuits")
    async with listening(words) as heard:
        private_valkey.stop()
        with pytest.raises(StoreUnavailable):
            await words.tell(b"lost")
        private_valkey.start()
        await say_until_heard(words, b"open", heard)

    assert b"lost" not in heard.told
