"""Every row: which server, and what it is asked."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx
import msgspec

from benchmarks.speed import asks
from benchmarks.speed.asks import WORLD, Ask
from benchmarks.speed.grounds import Grounds, Services, Serving

NAIVE_LIVE: Final = "naive live"
NAIVE_PROJECTION: Final = "naive projection"
LIVE: Final = "live"
PROJECTION: Final = "projection in memory"
HOT: Final = "projection in memory, a thousand orders"
UNKEPT: Final = "projection in memory, no answer kept"
REDIS: Final = "projection in Redis"
NEAR: Final = "projection in Redis, rows at hand"
SAME_POST: Final = "the same POST again"
SAME_GET: Final = "the same GET again"
UNCHANGED: Final = "GET, unchanged (304)"
RAW: Final = "raw ASGI, ready bytes"
UNMETERED: Final = "projection in memory, no answer kept, no metrics"
NAIVE_NEW_TEXT: Final = "naive projection, each text new"
NEW_TEXT: Final = "projection in memory, each text new"
PAGES: Final = "100 orders"
"""How the rows of pages begin, of which one is not one answer of the raw limit."""

NAIVE_LIVE_PAGE: Final = "100 orders, naive live"
LIVE_PAGE: Final = "100 orders, live"
NAIVE_PAGE: Final = "100 orders, naive projection"
PAGE: Final = "100 orders, projection in memory"
ONE_WAITS: Final = "projection in memory, 1 waits"
MANY_WAIT: Final = "projection in memory, 5,000 wait"
FEW_ROWS: Final = "projection in Redis, 1 order held"
MANY_ROWS: Final = "projection in Redis, a great many held"

CONNECTION_COUNT: Final = 32
PAGE_CONNECTION_COUNT: Final = 4
HOT_COUNT: Final = 1_000

NO_ROWS_AT_HAND: Final = {"BFF_NEAR_CACHE_ROWS": "0"}
NO_ANSWERS_KEPT: Final = {"BFF_READY_ANSWERS_MB": "0"}
NO_TELEMETRY: Final = {"BFF_METRICS": "false"}
"""The control: everything else is measured with all telemetry on, as every user has it."""

CROWD_COUNT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Row:
    """A name, and what is asked; ``ask`` may look at the server first, and find nothing to ask.

    ``warm_up_count``: requests before any counts, at least; ``least_count``: those that count.
    """

    name: str
    ask: Ask | Callable[[Serving], Ask | None]
    connection_count: int = CONNECTION_COUNT
    warm_up_count: int = 0
    least_count: int = 0


@dataclass(frozen=True, slots=True)
class Stand:
    """One server, started anew in every round, and the rows that are measured at it."""

    start: Callable[[], AbstractContextManager[Serving]]
    services: Services
    rows: Sequence[Row]


def page(name: str, ask: Ask) -> Row:
    return Row(name, ask, PAGE_CONNECTION_COUNT)


def plain_stands(grounds: Grounds, redis: Mapping[str, str]) -> Sequence[Stand]:
    """All that is measured over the one world; ``redis``: settings of a gateway over it."""

    def stand(start: Callable[[], AbstractContextManager[Serving]], *rows: Row) -> Stand:
        return Stand(start, grounds.services, rows)

    bare_redis = {**redis, **NO_ROWS_AT_HAND}
    return (
        naive_live(grounds),
        stand(
            partial(grounds.python, "naive projection", "benchmarks.naive", "projected"),
            Row(NAIVE_PROJECTION, asks.NAIVE_DETAILS),
            Row(NAIVE_NEW_TEXT, asks.NEW_TEXT),
            page(NAIVE_PAGE, asks.NAIVE_PAGE),
        ),
        stand(
            grounds.gateway,
            Row(
                PROJECTION,
                asks.OUR_DETAILS,
                warm_up_count=WORLD.order_count,
                least_count=2 * WORLD.order_count,
            ),
            Row(HOT, asks.HOT_DETAILS, warm_up_count=2 * HOT_COUNT),
            Row(NEW_TEXT, asks.NEW_TEXT),
            page(PAGE, asks.OUR_PAGE),
        ),
        stand(partial(grounds.gateway, NO_ANSWERS_KEPT), Row(UNKEPT, asks.OUR_DETAILS)),
        stand(partial(grounds.gateway, bare_redis), Row(REDIS, asks.OUR_DETAILS)),
        stand(
            partial(grounds.gateway, redis),
            Row(NEAR, asks.HOT_DETAILS, warm_up_count=2 * HOT_COUNT),
        ),
        unmetered(grounds),
        our_live(grounds),
        stand(
            grounds.gateway,
            Row(SAME_POST, asks.SAME_DETAILS),
            Row(SAME_GET, asks.SAME_GET),
            Row(UNCHANGED, unchanged),
        ),
        stand(lambda: raw_limit(grounds), Row(RAW, asks.RAW)),
        stand(partial(waiting, grounds, 1), Row(ONE_WAITS, asks.OUR_DETAILS)),
        stand(partial(waiting, grounds, CROWD_COUNT), Row(MANY_WAIT, asks.OUR_DETAILS)),
    )


def naive_live(grounds: Grounds) -> Stand:
    """The usual stack, composing."""
    return Stand(
        lambda: grounds.python("naive", "benchmarks.naive", "live", grounds.services.as_word()),
        grounds.services,
        (Row(NAIVE_LIVE, asks.NAIVE_DETAILS), page(NAIVE_LIVE_PAGE, asks.NAIVE_PAGE)),
    )


def our_live(grounds: Grounds) -> Stand:
    """The gateway, composing: with its projection kept, and asked to ask the owners."""
    rows = (Row(LIVE, asks.OUR_LIVE_DETAILS), page(LIVE_PAGE, asks.OUR_LIVE_PAGE))
    return Stand(grounds.gateway, grounds.services, rows)


def unmetered(grounds: Grounds) -> Stand:
    """The read of a projection in memory, each made anew, with all telemetry off."""
    settings = {**NO_ANSWERS_KEPT, **NO_TELEMETRY}
    rows = (Row(UNMETERED, asks.OUR_DETAILS),)
    return Stand(partial(grounds.gateway, settings), grounds.services, rows)


def growth_stands(
    few: Grounds, many: Grounds, settings: tuple[Mapping[str, str], Mapping[str, str]], count: int
) -> Sequence[Stand]:
    """The same read of a Redis with one order, and of one with ``count`` more, which are read."""
    filler = msgspec.structs.replace(asks.FILLER_DETAILS, count=count)
    bare = NO_ROWS_AT_HAND
    return tuple(
        Stand(partial(grounds.gateway, {**redis, **bare}), grounds.services, (Row(name, ask),))
        for grounds, redis, name, ask in (
            (few, settings[0], FEW_ROWS, asks.SAME_DETAILS),
            (many, settings[1], MANY_ROWS, filler),
        )
    )


def raw_limit(grounds: Grounds) -> AbstractContextManager[Serving]:
    """As many bytes as the gateway's last answer to the details had."""
    length = f"--length={grounds.answer_bytes}"
    return grounds.python("raw limit", "benchmarks.speed.raw_limit", length)


def waiting(grounds: Grounds, waiter_count: int) -> AbstractContextManager[Serving]:
    words = ("benchmarks.speed.waiting_gateway", str(waiter_count))
    return grounds.gateway({}, words)


def unchanged(serving: Serving) -> Ask | None:
    """The GET of who has the answer already; None where answers have no entity tag."""
    ask = asks.SAME_GET
    path = ask.target(0)
    with httpx.Client(base_url=serving.url, trust_env=False) as http:
        tag = http.get(path).headers.get("etag")
    return None if tag is None else asks.unchanged(tag)
