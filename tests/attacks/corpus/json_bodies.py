"""Bodies that are no request: other JSON, broken JSON, JSON without end."""

import gzip
import json
from collections.abc import Iterator
from typing import Final

from tests.attacks.corpus.attack import BAD_REQUEST, OK, VALIDATION, Attack, posted

GOOD: Final = b'{"query": "{ order(id: \\"o-1\\") { id } }"}'
QUERY: Final = '{ order(id: "o-1") { id } }'

NO_OBJECTS: Final = {
    "null": b"null",
    "a number": b"1",
    "a text": b'"query"',
    "true": b"true",
    "nothing": b"",
    "one brace": b"{",
    "spaces": b" " * 200_000,
    "not a number": b"NaN",
    "infinite": b"Infinity",
    "a number of 100,000 digits": b"1" * 100_000,
    "beyond all numbers": b'{"query": 1e400}',
    "invalid UTF-8": b'{"query": "\xff\xfe"}',
    "half a surrogate": b'{"query": "\\ud800"}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "compressed and not said so": gzip.compress(GOOD),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "more after the end": GOOD + GOOD,
    "single quotes": b"{'query': '{ a }'}",
    "a comma too many": b'{"query": "{ a }",}',
    "lists a hundred thousand deep": b"[" * 100_000,
    "lists closed a hundred thousand deep": b"[" * 100_000 + b"]" * 100_000,
    "objects 50,000 deep": b'{"a":' * 50_000,
}


def json_bodies() -> Iterator[Attack]:
    """All of them."""
    for name, body in NO_OBJECTS.items():
        yield posted(f"body: {name}", body, BAD_REQUEST)
    yield posted("body: a list of nothing", b"[]", "BATCH_REFUSED")
    yield posted("body: a list of lists", b"[[], [[]]]", "BATCH_REFUSED")
    yield posted(
        "body: a list of a thousand", b"[" + b",".join([GOOD] * 1_000) + b"]", "BATCH_REFUSED"
    )
    yield from _wrong_members()
    yield from _strange_variables()


def _wrong_members() -> Iterator[Attack]:
    for name, members in {
        "no query": {},
        "query null": {"query": None},
        "query a number": {"query": 1},
        "query a list": {"query": [QUERY]},
        "query an object": {"query": {"query": QUERY}},
        "variables a list": {"query": QUERY, "variables": [1]},
        "variables a text": {"query": QUERY, "variables": "{}"},
        "operationName a number": {"query": QUERY, "operationName": 1},
        "operationName a list": {"query": QUERY, "operationName": ["a"]},
    }.items():
        yield posted(f"member: {name}", json.dumps(members).encode(), BAD_REQUEST)
    unknown = {"query": QUERY, "__proto__": {"role": "staff"}, "constructor": 1}
    yield posted("member: of a prototype", json.dumps(unknown).encode(), OK)
    long = {"query": QUERY, "operationName": "x" * 100_000}
    yield posted("member: a long operationName", json.dumps(long).encode(), VALIDATION)
    twice = b'{"query": "{ nonsense }", "query": "{ __typename }"}'
    yield posted("member: query twice", twice, OK)


def _strange_variables() -> Iterator[Attack]:
    query = "query($id: ID!) { order(id: $id) { id } }"
    for name, value in {
        "an object for an id": {"a": 1},
        "a list for an id": ["o-1"],
        "true for an id": True,
        "a fraction for an id": 1.5,
        "nothing for an id": None,
    }.items():
        body = {"query": query, "variables": {"id": value}}
        yield posted(f"variables: {name}", json.dumps(body).encode(), VALIDATION, "BAD_USER_INPUT")
    deep: object = 1
    for _ in range(400):
        deep = [deep]
    body = {"query": query, "variables": {"id": deep}}
    yield posted("variables: a deep list", json.dumps(body).encode(), "BAD_USER_INPUT", BAD_REQUEST)
    many = {"query": query, "variables": {"id": "o-1", **{f"v{i}": i for i in range(10_000)}}}
    yield posted("variables: ten thousand", json.dumps(many).encode(), OK, BAD_REQUEST)
    tokens = {
        "query": "query($t: [ConsistencyToken!]!) "
        '{ order(id: "o-1", consistency: {atLeast: {tokens: $t}}) { id } }',
        "variables": {"t": ["x"] * 20_000},
    }
    yield posted(
        "variables: twenty thousand tokens",
        json.dumps(tokens).encode(),
        BAD_REQUEST,
    )
