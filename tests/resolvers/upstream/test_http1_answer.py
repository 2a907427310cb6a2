"""Reading an answer of HTTP/1.1 from bytes: however they come, it is the same one."""

import gc
import weakref
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.upstream.http1_answer import AnswerReader, BrokenAnswer, UnwantedAnswer
from resolvers.upstream.transport import Response

HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nX-One: a\r\nx-one: b\r\n"
WHOLE = [
    HEAD + b"Content-Length: 5\r\n\r\nabcde",
    HINT + HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nT: x\r\n\r\n",
]


def read_in(pieces: list[bytes]) -> tuple[AnswerReader, bool]:
    reader, is_whole = AnswerReader(limit_bytes=100), False
    for piece in pieces:
        is_whole = reader.feed(piece)
    return reader, is_whole


@given(answer=st.sampled_from(WHOLE), cuts=st.lists(st.integers(0, 200)))
def test_answer_is_the_same_however_its_bytes_are_cut(answer: bytes, cuts: list[int]) -> None:
    """Whole with its last byte and not before, and another may follow."""
    places = sorted({0, len(answer), *(cut % len(answer) for cut in cuts)})
    pieces = [answer[one:other] for one, other in pairwise(places)]

    reader, is_whole = read_in(pieces)
    _, is_whole_before = read_in([answer[:-1]])

    assert is_whole
    assert not is_whole_before
    assert reader.may_be_followed
    assert (reader.response.status, reader.response.body) == (200, b"abcde")
    assert reader.response.headers["x-one"] == "a, b"
    assert reader.response.headers.keys().isdisjoint({"link", "t"})


@given(rubbish=st.binary(min_size=1))
def test_whatever_comes_after_the_answer_ends_the_connection(rubbish: bytes) -> None:
    """It changes nothing of the answer, and nothing may follow; line ends alone are nothing."""
    reader, is_whole = read_in([WHOLE[0] + rubbish])

    assert is_whole
    assert reader.response == read_in([WHOLE[0]])[0].response
    assert not reader.may_be_followed or not rubbish.strip(b"\r\n")


@given(rubbish=st.binary())
def test_no_bytes_are_a_mistake_of_ours(rubbish: bytes) -> None:
    """They are an answer, not yet one, or refused."""
    reader = AnswerReader(limit_bytes=100)
    try:
        is_whole = reader.feed(rubbish)
    except (BrokenAnswer, UnwantedAnswer):
        return

    assert isinstance(reader.response, Response) or not is_whole


@pytest.mark.parametrize(
    "framing",
    [
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length : 2\r\n\r\nab",
        b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
    ],
)
def test_answer_that_could_be_read_in_two_ways_is_none(framing: bytes) -> None:
    """Where lengths contradict each other nobody knows where the next answer begins."""
    with pytest.raises(BrokenAnswer):
        read_in([HEAD + framing])


@pytest.mark.parametrize(("lets_go", "is_left"), [(True, False), (False, True)])
def test_a_reader_that_lets_go_leaves_nothing_to_the_collector(
    *, lets_go: bool, is_left: bool
) -> None:
    """Its parser holds it, so it would wait for a collection; the control does."""
    gc.disable()
    try:
        reader, _ = read_in(WHOLE[:1])
        if lets_go:
            reader.let_go()
        left = weakref.ref(reader)
        del reader

        assert (left() is not None) is is_left
    finally:
        gc.enable()


def test_what_comes_after_a_body_has_an_end() -> None:
    """Trailers are nobody's, and no service can fill the memory with them."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: "

    with pytest.raises(BrokenAnswer):
        read_in([head, *[b"a" * 1_000] * 1_000])
