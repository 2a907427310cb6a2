"""Lists of requests, documents by their hash, streams of events: sent once, for much."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from tests.attacks.corpus.attack import (
    BAD_REQUEST,
    BAD_USER_INPUT,
    OK,
    PARSE,
    TOKEN,
    TOO_LARGE,
    VALIDATION,
    Attack,
    asked,
    got,
    posted,
)
from tests.attacks.corpus.forged import FORBIDDEN, REFUSED, bearer, good_bearer

BATCH: Final = "BATCH_REFUSED"
UNKNOWN: Final = "DOCUMENT_UNKNOWN"
NOT_FOUND: Final = "PERSISTED_QUERY_NOT_FOUND"
MISMATCH: Final = "PERSISTED_QUERY_HASH_MISMATCH"

QUERY: Final = '{ product(id: "p-1") { name } }'
EVENTS: Final = "Accept: text/event-stream\r\n"
FOLLOW: Final = "/graphql?query=subscription{orderChanged(id:%22o-1%22){id}}"
CHANGE: Final = 'mutation { updateOrder(input: {id: "o-0", note: "x"}) { userErrors { code } } }'


def many_in_one() -> Iterator[Attack]:
    """All of them."""
    yield from _batches()
    yield from _documents()
    yield from _streams()


def _batches() -> Iterator[Attack]:
    one = {"query": QUERY}
    deep: object = [one]
    for _ in range(60):
        deep = [deep]
    for name, entries in {
        "eleven": [one] * 11,
        "of a batch": [[one, one]],
        "deep": deep,
        "of a number": [one, 1],
        "of null": [None],
        "of texts": [QUERY, QUERY],
    }.items():
        yield posted(f"batch: {name}", json.dumps(entries).encode(), BATCH)
    long = b"[" + b",".join([b"{}"] * 60_000) + b"]"
    yield posted("batch: 60,000 of nothing", long, BAD_REQUEST)
    commas = b"[" + b"1," * 120_000 + b"1]"
    yield posted("batch: 120,000 numbers", commas, BAD_REQUEST)
    yield posted("batch: blanks before it", b" " * 63 + json.dumps([one] * 11).encode(), BATCH)
    hidden = b" " * 100 + json.dumps([one]).encode()
    yield posted("batch: many blanks before it", hidden, BATCH, BAD_REQUEST)
    mixed = [one, {"query": "{"}, {"query": "{ nonsense }"}, {}, {"query": CHANGE}]
    codes = (PARSE, VALIDATION, BAD_REQUEST)
    yield posted("batch: good and bad", json.dumps(mixed).encode(), *codes)
    writes = [{"query": CHANGE}] * 10
    yield posted("batch: ten writes", json.dumps(writes).encode(), OK)
    bombs = [{"query": "{ a " * 450 + "}" * 450 + f"#{i}"} for i in range(10)]
    yield posted("batch: ten bombs", json.dumps(bombs).encode(), TOO_LARGE)
    unknown = " ".join(f"unknown{i}" for i in range(300))
    wrong = [{"query": f'{{ order(id: "o-{i}") {{ {unknown} }} }}'} for i in range(10)]
    yield posted("batch: ten times unknown fields", json.dumps(wrong).encode(), VALIDATION)
    follows = [{"query": 'subscription { orderChanged(id: "o-1") { id } }'}] * 10
    yield posted("batch: ten subscriptions", json.dumps(follows).encode(), BAD_REQUEST)
    others = [one, {"query": '{ customer(id: "c-32") { name } }'}]
    body = json.dumps(others).encode()
    yield posted("batch: another's among hers", body, FORBIDDEN, headers=good_bearer())
    yield posted("batch: of nobody", body, REFUSED, headers=bearer("x"))
    yield posted("batch: as a stream", body, BATCH, BAD_REQUEST, headers=EVENTS)
    hashes = [{"extensions": _persisted(f"{i:064x}")} for i in range(10)]
    yield posted("batch: ten unknown hashes", json.dumps(hashes).encode(), NOT_FOUND)


def _persisted(digest: object, version: object = 1) -> dict[str, object]:
    return {"persistedQuery": {"version": version, "sha256Hash": digest}}


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _documents() -> Iterator[Attack]:
    evil = "{ __typename }"
    for name, body, codes in (
        ("hash of another", {"query": evil, "extensions": _persisted(_digest(QUERY))}, {MISMATCH}),
        ("hash in capitals", {"extensions": _persisted(_digest(QUERY).upper())}, {BAD_REQUEST}),
        ("hash too short", {"extensions": _persisted("ab")}, {BAD_REQUEST}),
        ("hash of a path", {"extensions": _persisted("../" * 21 + "x")}, {BAD_REQUEST}),
        ("hash a list", {"extensions": _persisted([_digest(QUERY)])}, {BAD_REQUEST}),
        ("hash of a line more", {"extensions": _persisted(_digest(QUERY) + "\n")}, {BAD_REQUEST}),
        ("version 2", {"extensions": _persisted(_digest(QUERY), 2)}, {BAD_REQUEST}),
        (
            "version true",
            {"extensions": _persisted(_digest(QUERY), True)},
            {BAD_REQUEST, NOT_FOUND},
        ),
        ("unknown hash", {"extensions": _persisted("0" * 64)}, {NOT_FOUND}),
        ("unknown id", {"documentId": "x"}, {UNKNOWN}),
        ("id of a path", {"documentId": "../../etc/passwd"}, {UNKNOWN}),
        ("id a number", {"documentId": 1}, {BAD_REQUEST}),
        ("id of 100 kB", {"documentId": "x" * 100_000}, {BAD_REQUEST}),
        ("id and text", {"documentId": "x", "query": QUERY}, {BAD_REQUEST}),
        ("id and hash", {"documentId": "x", "extensions": _persisted("0" * 64)}, {BAD_REQUEST}),
        ("a prototype", {"documentId": "__proto__"}, {UNKNOWN}),
        ("extensions a list", {"query": QUERY, "extensions": [1]}, {BAD_REQUEST}),
        (
            "persisted a text",
            {"query": QUERY, "extensions": {"persistedQuery": "x"}},
            {BAD_REQUEST},
        ),
    ):
        yield posted(f"document: {name}", json.dumps(body).encode(), *codes)
    for name, text, codes in (
        ("nonsense", "{ nonsense }", {VALIDATION}),
        ("a bomb", "{ a " * 450 + "}" * 450, {TOO_LARGE}),
        ("half a surrogate", '{ order(id: "\\ud800") { id } }', {PARSE}),
        ("commas", "," * 200_000, {TOO_LARGE, PARSE}),
    ):
        body = {"query": text, "extensions": _persisted(_digest(text))}
        yield posted(f"document: {name}, with its hash", json.dumps(body).encode(), *codes)
    known = "/graphql?extensions={%22persistedQuery%22:{%22version%22:1,%22sha256Hash%22:%22"
    digest = _digest(CHANGE)
    body = {"query": CHANGE, "extensions": _persisted(digest)}
    yield posted("document: a write, made known", json.dumps(body).encode(), OK)
    yield got(
        "document: a write by its hash, by GET", f"{known}{digest}%22}}}}", BAD_REQUEST, NOT_FOUND
    )


def _streams() -> Iterator[Attack]:
    def streamed(name: str, target: str, *codes: str, headers: str = "") -> Attack:
        return got(f"stream: {name}", target, *codes, headers=EVENTS + headers)

    yield streamed("a query", "/graphql?query={__typename}", OK)
    yield streamed("no query", "/graphql?x=1", BAD_REQUEST)
    yield streamed("no document", "/graphql?query={", PARSE)
    write = "/graphql?query=mutation{cancelOrder(input:{id:%22o-0%22}){userErrors{code}}}"
    yield streamed("a write by GET", write, BAD_REQUEST)
    yield streamed("a bomb", "/graphql?query=" + "{a" * 900 + "}" * 900, TOO_LARGE)
    yield streamed("a strange id", FOLLOW.replace("o-1", "..%2fo"), BAD_USER_INPUT)
    yield streamed("of garbage on", FOLLOW, TOKEN, headers="Last-Event-ID: garbage\r\n")
    on = "".join("Last-Event-ID: ct1AAAA\r\n" for _ in range(60))
    yield streamed("of sixty events on", FOLLOW, TOKEN, BAD_USER_INPUT, headers=on)
    long = f"Last-Event-ID: {'x' * 20_000}\r\n"
    yield streamed("of a long event on", FOLLOW, TOKEN, headers=long)
    foreign = ("CROSS_SITE_REFUSED",)
    yield streamed("from another site", FOLLOW, *foreign, headers="Origin: https://e.example\r\n")
    yield streamed("from null", FOLLOW, *foreign, headers="Origin: null\r\n")
    yield streamed("by an image", FOLLOW, *foreign, headers="Sec-Fetch-Site: cross-site\r\n")
    yield streamed("of nobody", FOLLOW, REFUSED, headers=bearer("x"))
    others = FOLLOW.replace(
        "orderChanged(id:%22o-1%22)", "customerOrdersChanged(customerId:%22c-32%22)"
    )
    yield streamed("of another", others, FORBIDDEN, headers=good_bearer())
    text = json.dumps({"query": "{ __typename }"}).encode()
    yield posted(
        "stream: as text/plain", text, BAD_REQUEST, content_type="text/plain", headers=EVENTS
    )
    body = 'subscription { orderChanged(id: "o-1") { id } }'
    yield asked("stream: a subscription without one", body, BAD_REQUEST)
    two = 'subscription { orderChanged(id: "o-1") { id } b: orderChanged(id: "o-2") { id } }'
    yield asked("stream: two roots", two, VALIDATION, headers=EVENTS)
