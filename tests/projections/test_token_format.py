"""The bytes of a token body: which ones are read, and that each value has one spelling."""

import pytest

from projections.token_format import TYPE_CODES
from projections.token_parsing import parse_body
from projections.versions import AggregateType

HEADER = bytes.fromhex("72dd41")
LOG = bytes.fromhex("c0ffee00")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(HEADER, id="header only"),
        pytest.param(HEADER + b"\x00\x05", id="no entry count"),
        pytest.param(HEADER + b"\x00\x05\x00\x00", id="trailing byte"),
        pytest.param(HEADER + b"\x10\x05\x00", id="unknown flag"),
        pytest.param(HEADER + b"\x80\x00\x05\x00", id="flags not minimal"),
        pytest.param(HEADER + b"\x00\x85\x00\x00", id="minute not minimal"),
        pytest.param(HEADER + b"\x00" + b"\x80" * 8 + b"\x01\x00", id="minute too long"),
        pytest.param(HEADER + b"\x00\x80\x80\x80\x80\x80\x01\x00", id="minute too great"),
        pytest.param(
            HEADER + b"\x00\x05\x01\x00o\x00" + b"\x80" * 7 + b"\x10", id="version too great"
        ),
        pytest.param(HEADER + b"\x00\x05\x21" + b"\x00" * 200, id="33 entries"),
        pytest.param(HEADER + b"\x00\x05\x01\x01o", id="id cut short"),
        pytest.param(HEADER + b"\x00\x05\x01\x00-\x00\x01", id="id begins with a hyphen"),
        pytest.param(HEADER + b"\x00\x05\x01\x00\xe9\x00\x01", id="id not ASCII"),
        pytest.param(HEADER + b"\x00\x05\x01\x01o\n\x00\x01", id="id ends with a line break"),
        pytest.param(HEADER + b"\x00\x05\x01\x00o\x00\x00", id="version number zero"),
        pytest.param(HEADER + b"\x00\x05\x01\xc0\x01o\x00\x01", id="unknown type"),
        pytest.param(HEADER + b"\x00\x05\x02\x00o\x00\x01\x00o\x00\x02", id="entry twice"),
        pytest.param(HEADER + b"\x00\x05\x02\x00p\x00\x01\x00o\x00\x01", id="ids not sorted"),
        pytest.param(HEADER + b"\x00\x05\x02\x40o\x00\x01\x00p\x00\x01", id="types not sorted"),
        pytest.param(HEADER + b"\x01\x05\x00\x00", id="empty section of marks"),
        pytest.param(HEADER + b"\x01\x05\x00\x02\x01\x05\x00\x05", id="marks not sorted"),
        pytest.param(HEADER + b"\x01\x05\x00\x02\x01\x05\x01\x06", id="mark twice"),
        pytest.param(HEADER + b"\x01\x05\x00\x01\x03\x05", id="mark of an unknown type"),
        pytest.param(HEADER + b"\x02\x05\x00\x00", id="empty floor"),
        pytest.param(HEADER + b"\x02\x05\x00\x01\x03" + LOG + b"\x09\x00", id="floor of no type"),
        pytest.param(HEADER + b"\x02\x05\x00\x01\x00" + LOG[:3], id="log cut short"),
        pytest.param(
            HEADER + b"\x02\x05\x00\x02\x08" + LOG + b"\x09\x00\x00" + LOG + b"\x09\x00",
            id="floor not sorted",
        ),
        pytest.param(
            HEADER + b"\x02\x05\x00\x01\x80\x80\x20" + LOG + b"\x09\x00", id="partition too great"
        ),
        pytest.param(HEADER + b"\x04\x05\x00\x01\x00\x05", id="doubt without an entry"),
        pytest.param(HEADER + b"\x04\x05\x01\x00o\x00\x01\x01\x01\x05", id="doubt of no entry"),
        pytest.param(HEADER + b"\x04\x05\x01\x00o\x00\x01\x00", id="empty section of doubts"),
        pytest.param(HEADER + b"\x08\x05\x00\x09" + b"\x00o" * 9, id="nine uncertain"),
        pytest.param(HEADER + b"\x08\x05\x00\x02\x00o\x00o", id="uncertain twice"),
        pytest.param(
            HEADER
            + b"\x00\x05\x0f"
            + b"".join(b"\x3f%064d\x00\x01" % number for number in range(15)),
            id="more id characters than fit",
        ),
    ],
)
def test_a_second_spelling_is_not_read(body: bytes) -> None:
    """Bytes that `render_body` would not write are not a body, however plausible."""
    assert parse_body(body) is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(HEADER + b"\x00\x05\x00", id="nothing demanded"),
        pytest.param(HEADER + b"\x00\x05\x02\x00o\x00\x01\x00p\x00\x01", id="two entries"),
        pytest.param(HEADER + b"\x01\x05\x00\x02\x00\x05\x02\x06", id="two marks"),
        pytest.param(
            HEADER + b"\x02\x05\x00\x02\x00" + LOG + b"\x09\x00\x08" + LOG + b"\x09\x00",
            id="two floors",
        ),
        pytest.param(HEADER + b"\x04\x05\x01\x00o\x00\x01\x01\x00\x05", id="a doubt"),
        pytest.param(HEADER + b"\x08\x05\x00\x02\x00o\x00p", id="two uncertain"),
    ],
)
def test_the_one_spelling_is_read(body: bytes) -> None:
    """The neighbours of the refused bodies, spelt right, are read."""
    assert parse_body(body) is not None


def test_every_aggregate_type_has_a_code_of_its_own() -> None:
    """A type added to the project must be given a code before its tokens can travel."""
    assert TYPE_CODES.keys() == set(AggregateType)
    assert len(set(TYPE_CODES.values())) == len(TYPE_CODES)
