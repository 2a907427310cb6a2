"""The keys of an issuer who changes them: fetched at the start, and again from time to time.

A token that names an unknown key makes the ring look once more, for all who wait at a time, and no
sooner than ``interval_s`` after the last look: a flood of made-up keys costs one fetch an interval.
Keys are given up only for newer ones: while the issuer cannot be reached those of before hold.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Protocol

from gateway.identity.keys import NO_KEYS, KeySet, KeySetUnreadable, parse_key_set
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.ranges import Between, require_ranges

Fetch = Callable[[float], Awaitable[bytes]]
"""The published set; given how long (s) it may take. Raises `UpstreamError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRingOptions:
    """When keys are fetched."""

    refresh_s: Annotated[float, Between(1, 86_400)] = 300.0
    """Seconds after which they are fetched anew. Five minutes: how long a key that was taken back
    goes on being believed, at most, while its issuer can be reached."""

    interval_s: Annotated[float, Between(0.1, 300)] = 10.0
    """Seconds between two fetches at least, also after one that failed."""

    wait_s: Annotated[float, Between(0, 5)] = 1.0
    """Seconds that a request with an unknown key waits for news, at most: half of its deadline."""

    fetch_timeout_s: Annotated[float, Between(0.1, 30)] = 3.0
    """Seconds that a fetch may take."""

    def __post_init__(self) -> None:
        require_ranges(self)


class Keys(Protocol):
    """Where keys come from."""

    @property
    def keys(self) -> KeySet:
        """Those of now; another object when they have changed."""
        ...

    @property
    def may_learn(self) -> bool:
        """Would waiting for `learn` perhaps bring a key that is unknown now?"""
        ...

    async def learn(self) -> None:
        """Return when the keys have been looked at once more, or that takes too long."""
        ...


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys that never change while the process runs. Obeys `Keys`."""

    keys: KeySet

    @property
    def may_learn(self) -> bool:
        return False

    async def learn(self) -> None:
        """There is nothing to learn."""


class KeyRing:
    """Obeys `Keys`; somebody has to `run` it.

    ``observe`` is told when they cannot be fetched any more, and when they can again.
    """

    def __init__(
        self,
        fetch: Fetch,
        algorithms: Collection[str],
        options: KeyRingOptions,
        *,
        observe: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self.keys = NO_KEYS
        self._fetch = fetch
        self._algorithms = algorithms
        self._options = options
        self._observe = observe
        self._wanted = asyncio.Event()
        self._landing = asyncio.Event()
        self._is_fetching = False
        self._is_fetched = True
        self._allowed_at_s = 0.0

    @property
    def may_learn(self) -> bool:
        return self._is_fetching or _now_s() >= self._allowed_at_s

    async def learn(self) -> None:
        """Obey `Keys.learn`; whoever comes meanwhile waits for the same fetch."""
        if not self.may_learn:
            return
        landing = self._landing
        if not self._is_fetching:
            self._wanted.set()
        try:
            async with asyncio.timeout(self._options.wait_s):
                await landing.wait()
        except TimeoutError:
            pass

    async def run(self) -> None:
        """Keep the keys current, until cancelled."""
        while True:
            is_fetched = await self._look()
            pause_s = self._options.refresh_s if is_fetched else self._options.interval_s
            try:
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()
            except TimeoutError:
                pass

    async def _look(self) -> bool:
        """Fetch once; False where that brought nothing, and the keys of before hold."""
        self._wanted.clear()
        self._is_fetching = True
        try:
            keys = parse_key_set(await self._fetch(self._options.fetch_timeout_s), self._algorithms)
        except (UpstreamError, KeySetUnreadable):
            self._tell(False)
            return False
        else:
            if keys != self.keys:
                self.keys = keys
            self._tell(True)
            return True
        finally:
            self._is_fetching = False
            self._allowed_at_s = _now_s() + self._options.interval_s
            landing, self._landing = self._landing, asyncio.Event()
            landing.set()

    def _tell(self, is_fetched: bool) -> None:  # noqa: FBT001 - the news itself
        if is_fetched is not self._is_fetched:
            self._is_fetched = is_fetched
            self._observe(is_fetched)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
