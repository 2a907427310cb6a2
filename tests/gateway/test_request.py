from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ErrorCode, RequestRefused
from gateway.request import (
    REMEMBERED_BYTES,
    GraphQLRequest,
    RequestHeaders,
    parse_get,
    parse_post,
)
from gateway.web.accepting import GRAPHQL_RESPONSE_JSON

JSON = "application/json"


def status_of(parse: Callable[[], object]) -> int:
    """The status of a refusal, 200 for a request."""
    try:
        parse()
    except RequestRefused as refused:
        return refused.status.value
    return 200


def headers(*pairs: tuple[str, str]) -> RequestHeaders:
    return RequestHeaders.of([(k.encode("latin-1"), v.encode("latin-1")) for k, v in pairs])


def refused_post(body: bytes, media_type: str = JSON) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        parse_post(body, media_type)
    return refused.value


def refused_get(query_string: bytes) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        parse_get(query_string)
    return refused.value


def test_a_post_has_query_variables_and_operation_name() -> None:
    """The three members of a JSON request are what is asked to be run; others are ignored."""
    body = b'{"query":"{a}","variables":{"n":1},"operationName":"A","extensions":{"x":1}}'

    assert parse_post(body, JSON) == GraphQLRequest("{a}", {"n": 1}, "A")


@pytest.mark.parametrize(
    "body", [b'{"query":"{a}"}', b'{"query":"{a}","variables":null,"operationName":null}']
)
def test_variables_and_operation_name_may_be_null_or_missing(body: bytes) -> None:
    """A request without variables is one with none."""
    assert parse_post(body, JSON) == GraphQLRequest("{a}", {}, None)


@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "application/graphql", "multipart/form-data", "application/jsonp"],
)
def test_a_post_that_is_not_declared_json_is_refused(media_type: str) -> None:
    """Only application/json is read; a form or plain text, which any site may send, is a 415."""
    refused = refused_post(b'{"query":"{a}"}', media_type)

    assert (refused.status, refused.code) == (415, ErrorCode.BAD_REQUEST)


@pytest.mark.parametrize("declared", ["application/json", "Application/JSON; charset=utf-8"])
def test_the_media_type_is_read_without_case_and_parameters(declared: str) -> None:
    """`Content-Type: Application/JSON; charset=utf-8` is JSON."""
    assert headers(("Content-Type", declared)).media_type == JSON


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"query":"\xff"}',
        b'{"query":"\\ud800"}',
        b'\xef\xbb\xbf{"query":"{a}"}',
        b'{"query":"{a}","variables":{"n":NaN}}',
        b'{"query":"{a}","variables":{"n":1e999}}',
        b'{"query":"{a}","variables":{"n":' + b"9" * 100_000 + b"}}",
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"\x1f\x8b\x08\x00",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    """Bad UTF-8, numbers without end and 100,000 brackets are a 400 like any other non-JSON."""
    refused = refused_post(body)

    assert (refused.status, refused.code, str(refused)) == (
        400,
        ErrorCode.BAD_REQUEST,
        "the body is not JSON",
    )


@pytest.mark.parametrize(
    "body", [b"null", b"1", b"true", b'"{a}"', b"[]", b'[{"query":"{a}"}]', b"{}"]
)
def test_json_that_is_no_request_is_refused(body: bytes) -> None:
    """null, a scalar, a list (no batches here) and an object without a query are a 400."""
    assert refused_post(body).status == 400


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        (b'{"query":1}', "query"),
        (b'{"query":null}', "query"),
        (b'{"query":"  \\n"}', "query"),
        (b'{"query":"{a}","variables":[]}', "variables"),
        (b'{"query":"{a}","variables":"{}"}', "variables"),
        (b'{"query":"{a}","operationName":7}', "operationName"),
    ],
)
def test_a_member_of_the_wrong_type_is_named(body: bytes, blamed: str) -> None:
    """The refusal names the member of the request that has to be mended."""
    assert str(refused_post(body)).startswith(blamed)


@given(st.binary(max_size=200))
def test_no_body_breaks_the_parser(body: bytes) -> None:
    """Any bytes are a request or a coded refusal."""
    assert status_of(lambda: parse_post(body, JSON)) in {200, 400}


@given(st.binary(max_size=200))
def test_no_address_breaks_the_parser(query_string: bytes) -> None:
    """Any query string is a request or a coded refusal."""
    assert status_of(lambda: parse_get(query_string)) in {200, 400}


def test_a_get_has_the_same_members_in_its_address() -> None:
    """Query, JSON variables and operation name come from the query string, in UTF-8."""
    asked = {"query": "{é}", "variables": '{"n":"ü"}', "operationName": "A"}

    parsed = parse_get(urlencode(asked).encode())

    assert parsed == GraphQLRequest("{é}", {"n": "ü"}, "A")


@pytest.mark.parametrize(
    "query_string",
    [
        b"",
        b"query=",
        b"query=%FF",
        b"query=%7Ba%7D&variables=%7B",
        b"query=%7Ba%7D&variables=[]",
        b"query=%7Ba%7D&" + b"&".join(b"a%d=1" % n for n in range(100)),
    ],
    ids=lambda query_string: query_string[:30].decode(),
)
def test_an_address_that_is_no_request_is_refused(query_string: bytes) -> None:
    """A missing query, bad UTF-8, variables that are no object and endless fields are a 400."""
    assert refused_get(query_string).status == 400


@pytest.mark.parametrize(
    ("accept", "accepted"),
    [
        ("application/graphql-response+json", True),
        ("APPLICATION/GraphQL-Response+JSON; charset=utf-8", True),
        ("text/html, application/graphql-response+json;q=0.5, */*;q=0.1", True),
        ("text/html, application/graphql-response+json;q=0.5, */*", False),
        ("application/graphql-response+json;q=0", False),
        ("application/graphql-response+json; q=0.000 , application/json", False),
        ("application/graphql-response+json;q=0.01", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
        (",;,;q=,//", False),
    ],
)
def test_the_new_media_type_is_for_who_names_it_first(accept: str, accepted: bool) -> None:
    """A wildcard is not enough, any weight is that none exceeds, and 0 is a refusal."""
    assert (headers(("Accept", accept)).answer_type == GRAPHQL_RESPONSE_JSON) is accepted


def test_accept_may_be_repeated() -> None:
    """Several Accept headers are one list."""
    several = headers(("Accept", "text/html"), ("Accept", GRAPHQL_RESPONSE_JSON))

    assert several.answer_type == GRAPHQL_RESPONSE_JSON
    assert several.accepts("text/html")


def test_tokens_may_be_repeated_and_listed() -> None:
    """The token header may come several times and hold several tokens; blanks are no tokens."""
    several = headers(("X-Consistency-Token", "a, b,,"), ("x-consistency-token", " c "))

    assert several.token_texts == ["a", "b", "c"]


@pytest.mark.parametrize(
    "cookie",
    [
        "bff-consistency=ct1x",
        'bff-consistency="ct1x"',
        "theme=dark; bff-consistency=ct1x; a=b",
        'prefs={"a": "b"}; bff-consistency=ct1x',
        "expires=Thu, 01 Jan 1970; \xff=\xfe;;=; bff-consistency=ct1x",
        "bff-consistency-old=no; bff-consistency=ct1x",
    ],
)
def test_our_cookie_is_found_among_any_others(cookie: str) -> None:
    """What other applications of the same host put into their cookies cannot hide ours."""
    assert [it.text for it in headers(("Cookie", cookie)).token_cookies] == ["ct1x"]


def test_without_our_cookie_there_is_no_token() -> None:
    """Cookies of others are not read as tokens."""
    assert headers(("Cookie", "a=b; xbff-consistency=c")).token_cookies == []


@pytest.mark.parametrize("given_id", ["abc-1", "A.b_c-9", "f" * 64])
def test_a_plain_request_id_is_kept(given_id: str) -> None:
    """A caller's own id of letters, digits, dots, dashes and underscores follows the request."""
    assert headers(("X-Request-Id", given_id)).request_id == given_id


@pytest.mark.parametrize(
    "given_id",
    ["", "a b", "f" * 65, "a\r\nSet-Cookie: x=1", "a\n", "%0d%0a", "é", "<script>", "a\x00b"],
)
def test_any_other_request_id_is_replaced(given_id: str) -> None:
    """What could break a header, a log line or a page is replaced by an id of ours."""
    request_id = headers(("X-Request-Id", given_id)).request_id

    assert len(request_id) == 32
    assert request_id.isalnum()


def test_each_request_without_an_id_gets_its_own() -> None:
    """Two requests are never followed by the same id unless their callers say so."""
    assert headers().request_id != headers().request_id


@pytest.mark.parametrize(
    ("given_context", "is_kept"),
    [
        (f"00-{'a' * 32}-{'b' * 16}-01", True),
        (f"00-{'A' * 32}-{'b' * 16}-01", False),
        (f"00-{'a' * 32}-{'b' * 16}-01\r\nX: y", False),
        ("garbage", False),
        ("", False),
    ],
)
def test_only_a_well_formed_trace_context_goes_on(given_context: str, is_kept: bool) -> None:
    """A traceparent is passed to the services as it is or not at all."""
    context = headers(("traceparent", given_context)).trace_context

    assert (None if context is None else context.traceparent) == (
        given_context if is_kept else None
    )


@pytest.mark.parametrize("length", [10, REMEMBERED_BYTES])
def test_what_is_remembered_of_an_address_is_nobodys_to_change(length: int) -> None:
    """Each reader of the same address gets variables of her own."""
    asked = {"query": "{a}" + " " * length, "variables": '{"n":[1]}'}
    query_string = urlencode(asked).encode()
    first = parse_get(query_string)
    first.variables["n"] = "spoilt"

    assert parse_get(query_string).variables == {"n": [1]}
