"""What holds at the front door holds for live connections: origins, documents, limits, lines."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.gateway.front_door import Door, open_door
from tests.gateway.metered import projecting_door, scrape
from tests.gateway.subscriptions.by_hand import (
    BY_GET,
    BY_HANDSHAKE,
    BY_POST,
    SOCKETS,
    STREAMS,
    TRANSPORTS,
    Json,
    talking,
)
from tests.gateway.subscriptions.live_house import FOLLOW
from tests.gateway.test_known_documents import hashed
from tests.gateway.watched import watched_door
from tests.projection_by_hand import ProjectionByHand
from tests.resolvers.upstream.builders import a_customer, a_product, an_order

pytestmark = pytest.mark.steered_time

O_1 = {"id": "o-1"}
ROWS = an_order(), a_customer(), a_product()
ASKED: tuple[str, Json] = (FOLLOW, O_1)
SHOP = "https://shop.test"
LISTED = {"cors_origins": SHOP}
OWN = "http://gateway.test"
ASKED_BEFORE = (BY_HANDSHAKE, BY_GET)
"""What a browser sends for any page without asking first whether it may."""


@pytest.mark.parametrize("transport", ASKED_BEFORE)
async def test_a_foreign_page_is_refused(transport: str) -> None:
    """Nothing is followed for a page of another site: 403 in the handshake, as to a GET."""
    async with projecting_door() as door:
        async with talking(door, transport, *ASKED, more={"origin": "https://evil.test"}) as talk:
            told = await talk.next()
        following_count = door.gateway.live.counts.following_count

    assert told == ("refused", (403, "CROSS_SITE_REFUSED"))
    assert following_count == 0


@pytest.mark.parametrize("origin", [None, OWN, SHOP], ids=["none", "own", "listed"])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_other_pages_are_let_in(transport: str, origin: str | None) -> None:
    """The control: programs, pages of our own site, and those of a listed origin."""
    more = {} if origin is None else {"origin": origin}
    async with (
        projecting_door(**LISTED) as door,
        talking(door, transport, *ASKED, more=more) as talk,
    ):
        [result] = await talk.results(1)

    assert result["data"]["orderChanged"]["id"] == "o-1"


@pytest.mark.parametrize("transport", STREAMS)
async def test_a_stream_tells_which_pages_may_read_it(transport: str) -> None:
    """A listed origin with credentials, and our headers; a refusal says so as well."""
    more = {"origin": SHOP}
    async with projecting_door(**LISTED, live_connections=1) as door:  # noqa: SIM117 - read from without to within
        async with talking(door, transport, *ASKED, more=more) as talk:
            await talk.results(1)
            async with talking(door, transport, *ASKED, more=more) as second:
                refused = await second.next()
    async with projecting_door() as door, talking(door, BY_POST, *ASKED, more=more) as unlisted:
        await unlisted.results(1)

    assert refused == ("refused", (503, "OVERLOADED"))
    for headers in (talk.headers, second.headers):
        assert headers["access-control-allow-origin"] == SHOP
        assert headers["access-control-allow-credentials"] == "true"
        assert "X-Consistency-Token" in headers["access-control-expose-headers"]
        assert "origin" in headers["vary"]
    assert not any(name.startswith("access-control") for name in unlisted.headers)


def manifest(folder: Path) -> Path:
    file = folder / "documents.json"
    file.write_text(json.dumps({"follow": FOLLOW}))
    return file


@pytest.mark.parametrize("is_strict", [False, True], ids=["open", "strict"])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_document_is_followed_by_its_id(
    transport: str, tmp_path: Path, *, is_strict: bool
) -> None:
    """Known documents need no text, over any transport."""
    settings: Json = {"documents": "known"} if is_strict else {}
    async with (
        projecting_door(documents_file=manifest(tmp_path), **settings) as door,
        talking(door, transport, variables=O_1, documentId="follow") as talk,
    ):
        [result] = await talk.results(1)

    assert result["data"]["orderChanged"]["id"] == "o-1"


def code_of(told: tuple[str, Json]) -> Json:
    """The code of a refusal, as an error of its operation or as a status."""
    kind, refused = told
    return refused[0]["extensions"]["code"] if kind == "error" else refused[1]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_document_that_is_not_known_is_not_followed(transport: str, tmp_path: Path) -> None:
    """An id that nobody knows; and with known documents alone, any other text."""
    unknown: Json = {"variables": O_1, "documentId": "other"}
    file = manifest(tmp_path)
    async with projecting_door(documents="known", documents_file=file) as door:
        async with talking(door, transport, **unknown) as talk:
            by_id = await talk.next()
        async with talking(door, transport, FOLLOW + " ", O_1) as talk:
            by_text = await talk.next()

    assert code_of(by_id) == code_of(by_text) == "DOCUMENT_UNKNOWN"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_document_is_followed_by_its_hash(transport: str) -> None:
    """The hash alone is not found; it comes once with the text, and alone from then on."""
    by_hash = {"variables": O_1, "extensions": hashed(FOLLOW)}
    async with projecting_door() as door:
        async with talking(door, transport, **by_hash) as talk:
            first = await talk.next()
        async with talking(door, transport, FOLLOW, O_1, extensions=hashed(FOLLOW)) as talk:
            await talk.results(1)
        async with talking(door, transport, **by_hash) as talk:
            [result] = await talk.results(1)

    assert code_of(first) == "PERSISTED_QUERY_NOT_FOUND"
    assert result["data"]["orderChanged"]["id"] == "o-1"


SPENDING: Json = {
    "rate_limit": 60,
    "rate_burst": 1_000,
    "query_cost_limit": 1_000,
    "subject_header": "X-User",
}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_who_asks_for_too_much_is_refused_and_let_in_later(transport: str) -> None:
    """A subscription pays as the query that it is; a budget that is spent grows again."""
    async with projecting_door(**SPENDING) as door:
        told = [await asked_as_ada(door, transport) for _ in range(100)]
        await asyncio.sleep(60)
        later = await asked_as_ada(door, transport)
    async with projecting_door(**{**SPENDING, "rate_limit": 0}) as door:
        control = [await asked_as_ada(door, transport) for _ in range(100)]

    assert (told[0], told[-1], later) == ("next", "RATE_LIMITED", "next")
    assert set(control) == {"next"}


async def asked_as_ada(door: Door, transport: str) -> str:
    """`next`, or the code of the refusal."""
    async with talking(door, transport, *ASKED, more={"x-user": "ada"}) as talk:
        kind, told = await talk.next()
    return kind if kind == "next" else str(code_of((kind, told)))


TOO_MUCH: dict[str, tuple[str, Json]] = {
    "deep": ("subscription " + "{a" * 40 + "}" * 40, {}),
    "tokens": ('subscription { orderChanged(id: "o-1") { ' + "id " * 1_100 + "} }", {}),
    "cost": (
        (
            'subscription { orderChanged(id: "o-1") { customer { orders(first: 100) { edges { node '
            "{ customer { orders(first: 100) { edges { node { id } } } } } } } } } }"
        ),
        {},
    ),
}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("what", TOO_MUCH)
async def test_a_document_that_asks_for_too_much_is_not_followed(transport: str, what: str) -> None:
    """The limits of documents are those of queries, and refuse before anything is read."""
    query, variables = TOO_MUCH[what]
    async with projecting_door() as door:
        async with talking(door, transport, query, variables) as talk:
            told = await talk.next()
        calls, following = door.calls, door.gateway.live.counts.following_count

    assert code_of(told) in {"QUERY_TOO_LARGE", "QUERY_TOO_COSTLY", "QUERY_COST_EXCEEDED"}
    assert (calls, following) == ([], 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_each_operation_has_one_line_and_is_counted_once(transport: str) -> None:
    """Followed, answered, refused for its document, or not let in: one line, of one shape."""
    named = FOLLOW.replace("subscription", "subscription Own", 1)
    async with watched_door(events="feed") as (door, seen):
        projection = ProjectionByHand(door.gateway.store)
        await projection.apply(*ROWS)
        async with talking(door, transport, named, O_1) as talk:
            await talk.results(1)
            await projection.apply(an_order(version=2))
            await talk.results(1)
        for query in ('query Once { order(id: "o-1") { id } }', "subscription { nothing }"):
            async with talking(door, transport, query) as talk:
                await talk.next()
        async with talking(door, transport, variables=O_1, documentId="other") as talk:
            await talk.next()
        shown = await scrape(door.client)
    lines = [line for line in seen.lines if line["event"] == "request"]

    assert [(line["operation"], line["type"], line["way"], line["codes"]) for line in lines] == [
        ("Own", "subscription", "followed", []),
        ("Once", "query", "planned", []),
        ("", "", "refused", ["GRAPHQL_VALIDATION_FAILED"]),
        ("", "", "refused", ["DOCUMENT_UNKNOWN"]),
    ]
    assert shown.nonzero("bff_operations_total") == {
        ("ok", "followed"): 1,
        ("ok", "planned"): 1,
        ("request_error", "refused"): 2,
    }


async def test_who_is_not_let_in_has_a_line_too() -> None:
    """A socket that may not say who it is, and a stream for which there is no place."""
    settings: Json = {"anonymous": "refused", "live_connections": 1}
    async with watched_door(**settings) as (door, seen):  # noqa: SIM117 - read from without to within
        async with talking(door, SOCKETS[0], *ASKED) as talk:
            await talk.next()
    async with watched_door(an_order(), live_connections=1) as (door, full):
        async with talking(door, BY_POST, *ASKED) as talk:
            await talk.results(1)
            async with talking(door, BY_POST, *ASKED) as second:
                await second.next()
        shown = await scrape(door.client)

    assert [line["codes"] for line in seen.lines if line["event"] == "request"] == [
        ["UNAUTHENTICATED"]
    ]
    refused = [line for line in full.lines if line.get("way") == "refused"]
    assert [line["codes"] for line in refused] == [["OVERLOADED"]]
    assert shown.nonzero("bff_requests_refused_total") == {("OVERLOADED",): 1}


@asynccontextmanager
async def moved_door(**settings: Json) -> AsyncIterator[tuple[Door, ProjectionByHand]]:
    """A door, and the hand that moves its projection."""
    async with open_door(events="feed", **settings) as door:
        projection = ProjectionByHand(door.gateway.store)
        await projection.apply(*ROWS)
        yield door, projection


async def test_a_client_that_takes_nothing_of_a_stream_is_cut_off() -> None:
    """Who leaves an event unread for too long is cut off, counted, and followed no more."""
    async with moved_door(live_stuck_s=5.0) as (door, projection):  # noqa: SIM117 - read from without to within
        async with talking(door, BY_POST, *ASKED) as talk:
            await talk.results(1)
            talk.reads.clear()
            for version in range(2, 50):
                await projection.apply(an_order(version=version))
            await asyncio.sleep(4)
            before = talk.is_cut
            await asyncio.sleep(2)
            after = talk.is_cut
            counts = door.gateway.live.counts

    assert (before, after) == (False, True)
    assert counts.ended["stuck"] == 1
    assert (counts.following_count, counts.connections["sse"]) == (0, 0)


async def test_a_client_that_is_slow_with_a_stream_is_not() -> None:
    """The control: who takes it in time is shown the latest state, and stays."""
    async with moved_door(live_stuck_s=5.0) as (door, projection):  # noqa: SIM117 - read from without to within
        async with talking(door, BY_POST, *ASKED) as talk:
            await talk.results(1)
            talk.reads.clear()
            for version in range(2, 50):
                await projection.apply(an_order(version=version))
            await asyncio.sleep(4)
            talk.reads.set()
            await asyncio.sleep(60)
            told = [one for kind, one in talk.rest() if kind == "next"]

    assert not talk.is_cut
    assert told[-1]["data"]["orderChanged"]["version"] == 49
    assert len(told) <= 3
