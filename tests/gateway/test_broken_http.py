"""Bytes that are not HTTP/1.1, or that two readers might read in two ways: refused and coded."""

import asyncio

import pytest

from tests.faults.misbehaviour import hanging, misbehave
from tests.gateway.front_door import A_QUERY, TYPENAME
from tests.gateway.guarded_lines import guarded, posted

HEAD = b"POST /graphql HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(TYPENAME), TYPENAME)
LENGTH = b"content-length: %d\r\n" % len(TYPENAME)
SLOW = b'{"query":"%b"}' % A_QUERY.replace('"', '\\"').encode()

REFUSED = {
    "length and chunks": HEAD + LENGTH + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS,
    "chunks and length": HEAD + b"transfer-encoding: chunked\r\n" + LENGTH + b"\r\n" + CHUNKS,
    "two lengths": HEAD + LENGTH + b"content-length: 3\r\n\r\n" + TYPENAME,
    "the same length twice": HEAD + LENGTH + LENGTH + b"\r\n" + TYPENAME,
    "a list of lengths": HEAD + b"content-length: 26, 26\r\n\r\n" + TYPENAME,
    "a signed length": HEAD + b"content-length: +26\r\n\r\n" + TYPENAME,
    "an endless length": HEAD + b"content-length: %b\r\n\r\n" % (b"9" * 30),
    "chunks twice": HEAD + b"transfer-encoding: chunked\r\n" * 2 + b"\r\n" + CHUNKS,
    "chunks, then something": HEAD + b"transfer-encoding: chunked, x\r\n\r\n" + CHUNKS,
    "something like chunks": HEAD + b"transfer-encoding: xchunked\r\n\r\n" + CHUNKS,
    "a blank before the colon": HEAD + b"transfer-encoding : chunked\r\n\r\n" + CHUNKS,
    "a folded line": HEAD + b"x: a\r\n b\r\n" + LENGTH + b"\r\n" + TYPENAME,
    "bare line feeds": HEAD.replace(b"\r\n", b"\n") + LENGTH + b"\n" + TYPENAME,
    "one bare line feed": HEAD + b"x: a\n" + LENGTH + b"\r\n" + TYPENAME,
    "a bare return": HEAD + b"x: a\rb\r\n" + LENGTH + b"\r\n" + TYPENAME,
    "a zero byte": HEAD + b"x: a\x00b\r\n" + LENGTH + b"\r\n" + TYPENAME,
    "a name with a blank": HEAD + b"x y: a\r\n" + LENGTH + b"\r\n" + TYPENAME,
    "no name": HEAD + b": a\r\n" + LENGTH + b"\r\n" + TYPENAME,
    "no host": HEAD.replace(b"host: g\r\n", b"") + LENGTH + b"\r\n" + TYPENAME,
    "two hosts": HEAD + b"host: h\r\n" + LENGTH + b"\r\n" + TYPENAME,
    "a chunk of no size": HEAD + b"transfer-encoding: chunked\r\n\r\nx\r\n",
    "a chunk too large": HEAD + b"transfer-encoding: chunked\r\n\r\n%b\r\n" % (b"F" * 17),
    "another version": b"GET / HTTP/1.2\r\nhost: g\r\n\r\n",
    "an unknown method": b"QUERYY / HTTP/1.1\r\nhost: g\r\n\r\n",
    "a blank in the address": b"GET /a b HTTP/1.1\r\nhost: g\r\n\r\n",
    "an address that is none": b"GET /\xc3\xa4 HTTP/1.1\r\nhost: g\r\n\r\n",
    "a tunnel": b"CONNECT g:80 HTTP/1.1\r\nhost: g\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED.keys())
async def test_what_could_be_read_in_two_ways_is_read_in_none(request_bytes: bytes) -> None:
    """A 400 with a code, the end of the connection, and nothing of it runs."""
    async with guarded() as gate, gate.line() as line:
        await line.send(request_bytes + posted())
        answer = await line.answer()
        is_cut = await line.is_cut()

    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert answer.headers["connection"] == "close"
    assert is_cut


ANSWERED = {
    "as always": posted(),
    "in chunks": HEAD + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS,
    "an absolute address": posted(path="http://g/graphql"),
    "blank lines before it": b"\r\n\r\n" + posted(),
    "by the old version, without a host": posted().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "as if for another protocol": posted(TYPENAME, "connection: upgrade", "upgrade: h2c"),
}


@pytest.mark.parametrize("request_bytes", ANSWERED.values(), ids=ANSWERED.keys())
async def test_control_what_is_rare_and_right_is_answered(request_bytes: bytes) -> None:
    """The bounds are for what is wrong."""
    async with guarded() as gate:
        answer = await gate.ask(request_bytes)

    assert (answer.status, b"__typename" in answer.body) == (200, True)


async def test_who_asks_whether_to_send_is_told_to() -> None:
    """`Expect: 100-continue` is answered before the body comes."""
    async with guarded() as gate, gate.line() as line:
        await line.send(posted(TYPENAME, "expect: 100-continue")[: -len(TYPENAME)])
        invitation = await line.reader.readuntil(b"\r\n\r\n")
        await line.send(TYPENAME)
        answer = await line.answer()

    assert invitation.startswith(b"HTTP/1.1 100")
    assert answer.status == 200


HEADERS = {
    "one long header": b"x: %b\r\n" % (b"a" * 3_000),
    "many headers": b"".join(b"x%d: a\r\n" % n for n in range(150)),
    "a long address": b"",
}


@pytest.mark.parametrize("in_pieces", [False, True], ids=["in one piece", "in pieces"])
@pytest.mark.parametrize("kind", HEADERS)
async def test_a_head_has_its_bounds(kind: str, in_pieces: bool) -> None:
    """However it comes, what is too long or too many is a 431, before anything is read."""
    address = b"/graphql?" + b"a" * 3_000 if kind == "a long address" else b"/graphql"
    request = b"GET %b HTTP/1.1\r\nhost: g\r\n%b\r\n" % (address, HEADERS[kind])
    async with guarded(head_limit_bytes=2_048) as gate, gate.line() as line:
        pieces = [request[n : n + 100] for n in range(0, len(request), 100)]
        for piece in pieces if in_pieces else [request]:
            line.writer.write(piece)
            await asyncio.sleep(0)
        answer = await line.answer()
        is_cut = await line.is_cut()

    assert (answer.status, answer.code) == (431, "HEAD_TOO_LARGE")
    assert is_cut


async def test_a_head_without_an_end_holds_no_more_than_its_bound() -> None:
    """Megabytes of one header are refused after kilobytes."""
    async with guarded(head_limit_bytes=2_048) as gate, gate.line() as line:
        line.writer.write(b"GET / HTTP/1.1\r\nhost: g\r\nx: " + b"a" * 3_000_000)
        answer = await line.answer()

    assert answer.status == 431


async def test_what_stands_around_a_body_has_its_bound() -> None:
    """Extensions of chunks, and headers after the last of them, are read and never kept."""
    async with guarded(message_limit_bytes=100_000) as gate, gate.line() as line:
        chunk = b"1;%b\r\n \r\n" % (b"a" * 1_000)
        await line.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        line.writer.write(chunk * 1_000)
        answer = await line.answer()

    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")


async def test_many_requests_in_one_piece_are_each_within_the_bound() -> None:
    """The bound is for a head, not for what comes with it."""
    async with guarded(head_limit_bytes=1_024, pipeline_limit=200) as gate, gate.line() as line:
        await line.send(posted() * 100 + posted()[:50])
        await line.send(posted()[50:])
        answers = [await line.answer() for _ in range(101)]

    assert {answer.status for answer in answers} == {200}


async def test_garbage_behind_a_request_does_not_answer_it() -> None:
    """The answer that is owed comes first, and is the last: no client takes one for another's."""
    async with guarded({"request_timeout_s": 0.1}) as gate, gate.line() as line:
        misbehave(gate.door.twins, "orders", hanging)
        await line.send(posted(SLOW) + b"NONSENSE\r\n\r\n")
        answer = await line.answer()
        is_cut = await line.is_cut()

    assert (answer.status, answer.code) == (200, "DEADLINE_EXCEEDED")
    assert is_cut


async def test_too_many_requests_behind_one_another_are_not_read() -> None:
    """As many as may wait are answered in order, then the connection ends."""
    async with guarded({"request_timeout_s": 0.1}, pipeline_limit=3) as gate, gate.line() as line:
        misbehave(gate.door.twins, "orders", hanging)
        await line.send(posted(SLOW) + posted() * 50)
        answers = [await line.answer() for _ in range(4)]
        is_cut = await line.is_cut()

    assert answers[0].code == "DEADLINE_EXCEEDED"
    assert [answer.status for answer in answers[1:]] == [200] * 3
    assert is_cut


async def test_a_bad_end_of_a_body_ends_its_request() -> None:
    """A task that reads it is told that its client has left, and nothing runs."""
    async with guarded() as gate, gate.line() as line:
        await line.send(HEAD + b"expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{")
        await line.reader.readuntil(b"\r\n\r\n")
        await line.send(b"nonsense\r\n")
        answer = await line.answer()
        await asyncio.sleep(0)

        assert (answer.status, answer.code) == (400, "BAD_REQUEST")
        assert not gate.server.server_state.tasks


async def test_broken_bytes_leave_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever sends nonsense writes nothing of it, however often."""
    async with guarded() as gate:
        for _ in range(5):
            await gate.ask(b"NONSENSE\r\n\r\n")

    assert caplog.records == []
