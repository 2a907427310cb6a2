"""W3C trace context: what is valid, what is passed on, and the ids of our own spans."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.upstream.trace_context import Trace, TraceContext, parse_trace_context, unrecorded

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
VALID = f"00-{TRACE}-{SPAN}-01"

hexes = st.text("0123456789abcdef", min_size=32, max_size=32)


@pytest.mark.parametrize(
    ("traceparent", "is_sampled"),
    [
        (VALID, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-02", False),
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f"01-{TRACE}-{SPAN}-01-what-comes-later", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
    ],
)
def test_what_is_valid_is_read(traceparent: str, is_sampled: bool) -> None:
    """The sampled flag is one bit; a later version is read as far as this one goes."""
    assert parse_trace_context([traceparent]) == TraceContext(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "traceparents",
    [
        [],
        [""],
        [VALID, VALID],
        [VALID.upper()],
        [f" {VALID}"],
        [f"{VALID}\n"],
        [f"{VALID}-more"],
        [f"ff-{TRACE}-{SPAN}-01"],
        [f"00-{'0' * 32}-{SPAN}-01"],
        [f"00-{TRACE}-{'0' * 16}-01"],
        [f"00-{TRACE}-{SPAN}-1"],
        [f"cc-{TRACE}-{SPAN}-01.more"],
        [f"00-{TRACE}-{SPAN}"],
    ],
)
def test_what_is_malformed_was_not_sent(traceparents: list[str]) -> None:
    """Nothing of it is used."""
    assert parse_trace_context(traceparents) is None


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["a=1"], "a=1"),
        (["a=1, b=2\t", "", "c=3"], "a=1,b=2,c=3"),
        (["t61rcwkgmze@vendor=00f067aa0ba902b7"], "t61rcwkgmze@vendor=00f067aa0ba902b7"),
        (["a=1,a=2"], None),
        (["A=1"], None),
        (["a"], None),
        (["a=\u00e9"], None),
        (["a=1\r\nx: y"], None),
        ([",".join(f"k{n}=v" for n in range(33))], None),
        (["a=" + "x" * 256, "b=" + "x" * 256], None),
        ([], None),
    ],
)
def test_the_word_of_other_tracers_goes_on_whole_or_not_at_all(
    states: list[str], expected: str | None
) -> None:
    """Without it the context itself is as good."""
    context = parse_trace_context([VALID], states)

    assert context == TraceContext(TRACE, SPAN, is_sampled=True, state=expected)


@given(st.lists(st.text()), st.lists(st.text()))
def test_no_header_breaks_the_reading(traceparents: list[str], states: list[str]) -> None:
    """Whatever is sent is a valid context or none, and what is passed on is printable ASCII."""
    context = parse_trace_context([*traceparents, VALID][:1], states)

    if context is not None:
        assert parse_trace_context([context.traceparent]) is not None
        assert (context.state or "").isascii()
        assert (context.state or "").isprintable()


@given(hexes.filter(lambda text: set(text) != {"0"}), st.integers(0, 255))
def test_what_is_passed_on_says_the_same(trace_id: str, flags: int) -> None:
    """Read, written and read again, a context is what it was."""
    context = parse_trace_context([f"00-{trace_id}-{SPAN}-{flags:02x}"])

    assert context is not None
    assert parse_trace_context([context.traceparent]) == context


@given(st.integers(0, 10_000))
def test_each_number_has_a_span_of_its_own(number: int) -> None:
    """The ids of one operation differ, are valid, and are in the caller's trace."""
    trace = Trace.under(TraceContext(TRACE, SPAN, is_sampled=True))

    told = parse_trace_context([trace.traceparent(number)])

    assert told == TraceContext(TRACE, f"{trace.span_id(number):016x}", is_sampled=True)
    assert trace.span_id(number) != trace.span_id(number + 1)


def test_a_trace_of_our_own_is_new() -> None:
    """Two requests that nobody has named are two traces."""
    assert Trace.under(None).trace_id != Trace.under(None).trace_id
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", unrecorded().traceparent)
