"""Packed answers: for whom, from what size, and the same answer as the plain one."""

import gzip
import zlib

import pytest

from gateway.web.compression import Compression
from gateway.web.options import CompressionOptions
from tests.gateway.front_door import A_QUERY, Door, open_door

TYPES = "{ __schema { types { name fields { name } } } }"
LARGE = {"introspection": True, "query_cost_limit": 1_000_000}


async def raw_answer(door: Door, query: str, accepted: str | None) -> tuple[dict[str, str], bytes]:
    """The headers, and the bytes as they came."""
    headers = {"accept-encoding": accepted} if accepted is not None else {}
    door.client.headers.pop("accept-encoding", None)
    async with door.client.stream(
        "POST", "/graphql", json={"query": query}, headers=headers
    ) as response:
        raw = b"".join([chunk async for chunk in response.aiter_raw()])
    return dict(response.headers), raw


async def test_a_large_answer_is_packed_for_who_takes_it() -> None:
    """Unpacked it is the answer that everybody else gets; its length is that of the packed one."""
    async with open_door(**LARGE) as door:
        headers, packed = await raw_answer(door, TYPES, "gzip, br")
        _, plain = await raw_answer(door, TYPES, "identity")

    assert headers["content-encoding"] == "gzip"
    assert "accept-encoding" in headers["vary"]
    assert int(headers["content-length"]) == len(packed) < len(plain) / 3
    assert gzip.decompress(packed).partition(b"extensions")[0] == plain.partition(b"extensions")[0]


@pytest.mark.parametrize("accepted", [None, "identity", "br", "gzip;q=0"])
async def test_nobody_else_gets_a_packed_one(accepted: str | None) -> None:
    """Without a word, or with another one, an answer comes as it is."""
    async with open_door(**LARGE) as door:
        headers, _ = await raw_answer(door, TYPES, accepted)

    assert "content-encoding" not in headers


@pytest.mark.parametrize(
    ("settings", "query"),
    [({}, A_QUERY), ({**LARGE, "compression": False}, TYPES)],
    ids=["a small answer", "switched off"],
)
async def test_what_is_not_worth_it_is_not_packed(settings: dict[str, object], query: str) -> None:
    """A small answer fits in one packet anyhow; and whoever has a proxy for it needs none here."""
    async with open_door(**settings) as door:
        headers, _ = await raw_answer(door, query, "gzip")

    assert "content-encoding" not in headers


async def test_both_forms_of_an_answer_have_one_validator() -> None:
    """It is a weak one: who has either form of these data is not sent the other."""
    async with open_door(compression_threshold_bytes=0) as door:
        packed = await door.get({"query": A_QUERY}, {"accept-encoding": "gzip"})
        etag = packed.headers["etag"]
        again = await door.get(
            {"query": A_QUERY}, {"accept-encoding": "identity", "if-none-match": etag}
        )

    assert packed.headers["content-encoding"] == "gzip"
    assert etag.startswith("W/")
    assert (again.status_code, again.content) == (304, b"")
    assert "content-encoding" not in again.headers
    assert "accept-encoding" in again.headers["vary"]


@pytest.mark.parametrize(
    ("size_bytes", "is_packed"), [(9, False), (10, True), (20, True), (21, False)]
)
def test_size_alone_decides(size_bytes: int, is_packed: bool) -> None:
    """From the threshold on, up to what would hold the others up."""
    compression = Compression(CompressionOptions(threshold_bytes=10, limit_bytes=20))

    assert compression.packs(size_bytes) is is_packed


@pytest.mark.parametrize("body", [b"", b"a", b"ab" * 50_000])
def test_what_is_packed_is_gzip(body: bytes) -> None:
    """Any reader of gzip gets the very bytes."""
    packed = Compression(CompressionOptions()).pack(body)

    assert zlib.decompress(packed, 31) == body
