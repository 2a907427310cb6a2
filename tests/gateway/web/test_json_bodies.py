"""Bodies that are no GraphQL request: each is refused with a code."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RequestRefused
from gateway.web.json_bodies import DEPTH_LIMIT, media_type_of, read_json
from tests.gateway.front_door import TYPENAME, code_of, open_door

BROKEN = {
    "nothing": b"",
    "null": b"null",
    "a number": b"7",
    "a text": b'"{ __typename }"',
    "a byte order mark": b"\xef\xbb\xbf" + TYPENAME,
    "UTF-16": TYPENAME.decode().encode("utf-16"),
    "no UTF-8": b'{"query":"\xff"}',
    "half a letter": b'{"query":"\\ud800"}',
    "no number": b'{"query":"{ __typename }","variables":{"a":NaN}}',
    "infinity": b'{"query":"{ __typename }","variables":{"a":Infinity}}',
    "too large a number": b'{"query":"{ __typename }","variables":{"a":1e400}}',
    "five thousand digits": b'{"query":"{ __typename }","variables":{"a":%b}}' % (b"9" * 5_000),
    "deep": b"[" * 100_000,
    "deep and closed": b'{"query":"{ __typename }","variables":{"a":%b}}'
    % (b"[" * 100 + b"]" * 100),
    "half": b'{"query":"{ __typename }"',
    "two": TYPENAME + TYPENAME,
    "extensions as a list": b'{"query":"{ __typename }","extensions":[]}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
async def test_what_is_no_request_is_a_coded_400(body: bytes) -> None:
    """Whatever the bytes are, the client is told that they are no request, and nothing runs."""
    async with open_door() as door:
        response = await door.post(body)

    assert response.status_code == 400
    assert code_of(response) == "BAD_REQUEST"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/json; charset=utf-16",
        "application/graphql",
        "multipart/form-data",
    ],
)
async def test_another_kind_of_body_is_a_415(content_type: str) -> None:
    """Only JSON in UTF-8 is read: no form of another site can hold it."""
    async with open_door() as door:
        response = await door.post(headers={"content-type": content_type})

    assert response.status_code == 415
    assert code_of(response) == "BAD_REQUEST"


async def test_a_packed_body_is_a_415_that_says_what_is_taken() -> None:
    """A small packed body may be a large one, so none is unpacked."""
    async with open_door() as door:
        response = await door.post(headers={"content-encoding": "gzip"})

    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "identity"
    assert code_of(response) == "BAD_REQUEST"


async def test_of_a_name_given_twice_the_last_counts() -> None:
    """As with every reader of JSON that does not refuse it, so that no two of ours disagree."""
    async with open_door() as door:
        response = await door.post(b'{"query":"{","query":"{ __typename }"}')

    assert response.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [
        ("application/json", "application/json"),
        ("Application/JSON ; Charset=UTF-8", "application/json"),
        ('application/json; charset="utf-8"; boundary=x', "application/json"),
        ("application/json; charset=latin-1", ""),
        ("", ""),
    ],
)
def test_the_media_type_is_read_without_its_parameters(content_type: str, media_type: str) -> None:
    """But for the charset, which has to be one that JSON comes in."""
    assert media_type_of(content_type) == media_type


@given(st.integers(1, 2 * DEPTH_LIMIT), st.booleans())
def test_depth_alone_decides_whether_nested_json_is_read(depth: int, is_list: bool) -> None:
    """Up to the limit it is read, beyond it is refused, whatever it is nested in."""
    value: object = 1
    for _ in range(depth):
        value = [value, 2] if is_list else {"a": value, "b": 2}

    try:
        is_read = read_json(json.dumps(value).encode(), "it") == value
    except RequestRefused:
        is_read = False

    assert is_read is (depth <= DEPTH_LIMIT)
