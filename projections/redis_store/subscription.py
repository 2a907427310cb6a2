"""Listening to the news, for ever: what is heard is told, and what may have been missed is said.

News can be lost: while we are not subscribed, or when a server fails over. So whoever relies on
them is told to look for himself after every subscribing, at every hole in the sequence, while there
is no subscription, and when it has been quiet for a while. In the quiet the server is asked for a
sign of life, which also proves that nothing sent before it is still under way.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis.exceptions import RedisError

from projections.redis_store.connections import RedisConnection, Reply, reason_of
from projections.redis_store.cuts import Stamp
from projections.redis_store.greeting import greet
from projections.redis_store.link import Link
from projections.redis_store.news import Follower, News, parse_news
from projections.redis_store.options import RedisOptions
from projections.redis_store.signals import (
    AnnouncementsMissed,
    RedisObserver,
    RedisSignal,
    StoreLost,
    StoreRecovered,
)
from projections.store import Announcement, Listener

LONGEST_DOUBLING_COUNT = 16
"""Beyond every longest back-off; 2 to the power of a long outage's failures fits no float."""


class Subscription:
    """One subscription a process, and all who listen to it. Run `run` as long as it is open."""

    def __init__(self, link: Link, options: RedisOptions, observe: RedisObserver) -> None:
        self._link = link
        self._options = options
        self._observe = observe
        self._channel = f"{options.tag}:news"
        self._listeners: list[Listener] = []
        self._followers: list[Follower] = []
        self._heard: Stamp | None = None
        self._warnings: Sequence[RedisSignal] = ()
        self._is_lost = False
        self._failure_count = 0

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Announce changes of rows to ``listener`` while the context is open."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    @contextmanager
    def following(self, follower: Follower) -> Iterator[None]:
        """Tell ``follower`` all news while the context is open.

        None means that some were lost, unlike for a listener, who is also told so in the quiet.
        """
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)

    async def run(self) -> None:
        """Listen until cancelled, whatever happens to the server."""
        while True:
            try:
                await self._subscribe()
            except (RedisError, OSError) as error:
                self._lose(reason_of(error))
            self._miss()
            await self._back_off()

    async def _subscribe(self) -> None:
        async with self._link.connection() as connection:
            async with asyncio.timeout(self._options.connect_timeout_s):
                self._warn(await greet(connection, self._link))
                await connection.ask("SUBSCRIBE", self._channel)
                await self._link.keep_one_ready()
            self._find()
            await self._hear_all(connection)

    async def _back_off(self) -> None:
        doubling_count = min(self._failure_count, LONGEST_DOUBLING_COUNT)
        self._failure_count += 1
        options = self._options
        ceiling_s = min(options.longest_backoff_s, options.first_backoff_s * 2**doubling_count)
        await asyncio.sleep(random.uniform(ceiling_s / 2, ceiling_s))

    async def _hear_all(self, connection: RedisConnection) -> None:
        """Tell what comes until the connection is lost."""
        asked_at_s: float | None = None
        while True:
            heard = await connection.hear(self._options.quiet_s)
            if heard is not None:
                asked_at_s = None
                self._take(heard)
                continue
            self._tell_listeners(None)
            if asked_at_s is None:
                asked_at_s = _now_s()
                await connection.tell("PING")
            elif _now_s() - asked_at_s > self._options.connect_timeout_s:
                raise TimeoutError("no sign of life")

    def _take(self, heard: Reply) -> None:
        match heard:
            case [b"message", _, bytes(raw)]:
                self._tell(parse_news(raw))
            case _:  # the sign of life that was asked for
                pass

    def _tell(self, news: News | None) -> None:
        if news is None or (self._heard is not None and news.stamp != self._heard.next):
            self._observe(AnnouncementsMissed())
            self._miss()
        if news is not None:
            self._heard = news.stamp
            self._pass_on(news)

    def _pass_on(self, news: News) -> None:
        for follower in tuple(self._followers):
            follower(news)
        if news.voided:
            self._tell_listeners(None)
        elif news.changed:
            self._tell_listeners(news.changed)

    def _miss(self) -> None:
        for follower in tuple(self._followers):
            follower(None)
        self._tell_listeners(None)

    def _tell_listeners(self, announcement: Announcement) -> None:
        for listener in tuple(self._listeners):
            listener(announcement)

    def _warn(self, warnings: Sequence[RedisSignal]) -> None:
        """Warn of a server once, and not again at every connection to it."""
        if warnings != self._warnings:
            self._warnings = warnings
            for warning in warnings:
                self._observe(warning)

    def _find(self) -> None:
        self._heard, self._failure_count = None, 0
        if self._is_lost:
            self._is_lost = False
            self._observe(StoreRecovered())
        self._miss()

    def _lose(self, reason: str) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._observe(StoreLost(reason))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
