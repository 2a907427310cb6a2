"""What a client accepts: the media type of her answer, and whether it may be packed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.accepting import (
    APPLICATION_JSON,
    GRAPHQL_RESPONSE_JSON,
    answer_type,
    takes_gzip,
)

NEW, OLD = GRAPHQL_RESPONSE_JSON, APPLICATION_JSON


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", OLD),
        ("*/*", OLD),
        ("application/*", OLD),
        (OLD, OLD),
        (NEW, NEW),
        (f"{NEW}, {OLD}", NEW),
        (f"{OLD}, {NEW}", NEW),
        (f"{OLD}, {NEW};q=0.9", OLD),
        (f"{NEW};q=0.1, {OLD};q=0.2", OLD),
        (f"{OLD}, */*", OLD),
        (f"{NEW}, */*;q=0.5", NEW),
        (f"{NEW};q=0, */*", OLD),
        (f"{OLD};q=0, */*", NEW),
        (f"{NEW}; charset=utf-8, {OLD}; charset=utf-8", NEW),
        (f"{NEW}; charset=utf-16, {OLD}", OLD),
        ("multipart/mixed;deferSpec=20220824, application/json", OLD),
        ("text/html", None),
        ("*/*;q=0", None),
        (f"{NEW};q=0", None),
        ("text/*", None),
        (f"{OLD};q=none", OLD),
    ],
)
def test_the_type_wanted_most_is_given(accept: str, wanted: str | None) -> None:
    """By weight, then by how closely it is named; plain JSON where a wildcard leaves it to us."""
    assert answer_type(accept.encode()) == wanted


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("*", True),
        ("x-gzip", True),
        ("gzip;q=0.5, identity;q=0.1", True),
        ("gzip;q=0.5, identity;q=0.6", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("br", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_is_for_who_wants_it(accepted: str, is_packed: bool) -> None:
    """Named or by a wildcard, with any weight that the plain bytes do not exceed."""
    assert takes_gzip(accepted.encode()) is is_packed


@given(st.binary(max_size=300))
def test_no_header_is_too_strange_to_be_read(listed: bytes) -> None:
    """Whatever is accepted, there is a type or none, and never an error."""
    assert answer_type(listed) in (NEW, OLD, None)
    assert takes_gzip(listed) in (True, False)


@given(st.permutations([f"{NEW};q=0.7", f"{OLD};q=0.8", "*/*;q=0.1", "text/html"]))
def test_the_order_of_a_list_says_nothing(parts: list[str]) -> None:
    """Only weights and names count."""
    assert answer_type(", ".join(parts).encode()) == OLD
