import importlib
import inspect
import re
from collections.abc import Iterator

import httpx
import pytest
from graphql import GraphQLError, GraphQLSyntaxError, Source

from gateway import errors
from gateway.errors import UPSTREAM_CODES, ErrorCode, TooMuchAsked, translate
from projections.versions import AggregateKey, AggregateType, Version
from resolvers.errors import (
    BadInput,
    ConsistencyTimeout,
    Forbidden,
    InvalidToken,
    OutcomeUnknown,
    ResolverError,
)
from resolvers.upstream.errors import (
    Refusal,
    Rejected,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from tests.gateway.front_door import A_QUERY, open_door

WRITE = (
    'mutation { updateOrder(input: {id: "o-1", note: "gift"}) '
    "{ order { note } userErrors { code message field } } }"
)
CODE = re.compile(r"\b(?:[A-Z]+(?:_[A-Z]+)+|[A-Z]{8,})\b")
"""Words in capitals: several, or a long one."""

REFUSAL = Refusal(422, "invalid-request", detail="SELECT * FROM orders", field="note")


def leaves(family: type[Exception]) -> Iterator[type[Exception]]:
    for member in family.__subclasses__():
        yield member
        yield from leaves(member)


def upstream_errors() -> list[type[UpstreamError]]:
    return [
        member
        for member in leaves(UpstreamError)
        if issubclass(member, UpstreamError) and member.__module__.startswith("resolvers.")
    ]


def resolver_failures() -> list[ResolverError]:
    missing = {AggregateKey(AggregateType.ORDER, "o-1"): Version(1, 7)}
    return [
        BadInput("first", "must be between 1 and 100"),
        InvalidToken("consistency.atLeast.tokens", "too long"),
        Forbidden(),
        ConsistencyTimeout(missing, lag_s=1.5),
        OutcomeUnknown(UpstreamTimeout("orders", is_outcome_unknown=True), "key-1"),
    ]


def an_upstream_error(of: type[UpstreamError]) -> UpstreamError:
    return Rejected("orders", REFUSAL) if of is Rejected else of("orders")


def told(cause: Exception) -> dict[str, object]:
    return translate(GraphQLError("inner words", original_error=cause), "r-1").extensions


@pytest.mark.parametrize("error_type", upstream_errors(), ids=lambda of: of.__name__)
def test_every_upstream_error_has_a_code(error_type: type[UpstreamError]) -> None:
    """A failure of a service is told by its own code and the service's name, never as ours."""
    extensions = told(an_upstream_error(error_type))

    assert error_type in UPSTREAM_CODES
    assert extensions["code"] == UPSTREAM_CODES[error_type].value
    assert extensions["service"] == "orders"


def test_every_resolver_error_has_a_code() -> None:
    """No error made for clients falls through to INTERNAL_ERROR."""
    failures = resolver_failures()

    assert {type(failure) for failure in failures} == set(leaves(ResolverError))
    for failure in failures:
        assert told(failure)["code"] != "INTERNAL_ERROR"


def test_the_table_in_the_docstring_names_every_code_and_no_other() -> None:
    """The documented table and the codes there are, are the same."""
    documented = set(re.findall(CODE, inspect.getdoc(errors) or ""))

    assert documented == {code.value for code in ErrorCode}


def test_the_table_in_the_docstring_names_every_error() -> None:
    """Every error class that a field can raise has its row."""
    documented = inspect.getdoc(errors) or ""

    for error_type in [*upstream_errors(), *leaves(ResolverError)]:
        assert error_type.__name__ in documented, error_type


def test_every_code_is_used() -> None:
    """A code that nothing is translated to would be a promise that nobody keeps."""
    places = (
        *("errors", "request", "receiving", "http_rules", "guarded_protocol", "batches"),
        *("known_documents", "operation", "admission.door", "identity.desk", "web.origins"),
        *("web.json_bodies", "web.lines", "client_limits"),
        *(f"subscriptions.{name}" for name in ("following", "connections", "session")),
    )
    modules = [importlib.import_module(f"gateway.{name}") for name in places]
    source = "".join(inspect.getsource(module) for module in modules)

    for code in ErrorCode:
        assert f"ErrorCode.{code.name}" in source


def test_when_to_ask_again_is_told_where_it_is_known() -> None:
    """A refusal that will pass tells after how many milliseconds."""
    assert told(UpstreamUnavailable("orders", retry_after_s=1.25))["retryAfterMs"] == 1250
    assert "retryAfterMs" not in told(UpstreamUnavailable("orders"))


def test_a_write_that_may_have_happened_says_so() -> None:
    """An unknown outcome is told by a member of its own and in words about what to do."""
    error = GraphQLError("", original_error=UpstreamUnavailable("orders", is_outcome_unknown=True))

    client_error = translate(error, "r-1")

    assert client_error.extensions["outcome"] == "UNKNOWN"
    assert "with the token of this answer" in client_error.message


@pytest.mark.parametrize("key", ["key-1", None])
def test_the_key_of_an_unknown_write_is_given_back(key: str | None) -> None:
    """Who sent no key of her own learns the one that makes a repetition safe."""
    cause = UpstreamTimeout("orders", is_outcome_unknown=True)

    extensions = told(OutcomeUnknown(cause, key))

    assert extensions["code"] == "UPSTREAM_TIMEOUT"
    assert extensions["outcome"] == "UNKNOWN"
    assert extensions.get("idempotencyKey") == key


def test_a_consistency_timeout_tells_what_is_missing_and_the_lag() -> None:
    """The client learns which versions were not reached and how far behind the read model is."""
    missing = {AggregateKey(AggregateType.ORDER, "o-1"): Version(2, 7)}

    extensions = told(ConsistencyTimeout(missing, lag_s=1.5))

    assert extensions["lagMs"] == 1500
    assert extensions["missing"] == [{"type": "order", "id": "o-1", "version": 7, "epoch": 2}]
    assert told(ConsistencyTimeout(missing, lag_s=None))["lagMs"] is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GraphQLSyntaxError(Source("{"), 1, "expected a name"), "GRAPHQL_PARSE_FAILED"),
        (GraphQLError("no such field"), "GRAPHQL_VALIDATION_FAILED"),
        (
            GraphQLError("", original_error=TooMuchAsked("too deep", "DEPTH", 9, 5)),
            "QUERY_TOO_LARGE",
        ),
        (GraphQLError("$n is no Int", original_error=GraphQLError("no Int")), "BAD_USER_INPUT"),
    ],
)
def test_a_document_s_own_error_keeps_its_words(error: GraphQLError, code: str) -> None:
    """Errors of syntax, validation, size and variables are the client's, in the words of each."""
    client_error = translate(error, "r-1")

    assert client_error.extensions["code"] == code
    assert not client_error.is_ours


@pytest.mark.parametrize(
    "cause", [RuntimeError("boom"), KeyError("/etc/passwd"), RecursionError(), MemoryError()]
)
def test_anything_else_is_our_mistake_and_says_nothing_more(cause: Exception) -> None:
    """An exception without a row is INTERNAL_ERROR: the request id, and nothing of its text."""
    client_error = translate(GraphQLError(str(cause), original_error=cause), "r-1")

    assert client_error.is_ours
    assert client_error.extensions == {"code": "INTERNAL_ERROR", "requestId": "r-1"}
    assert not str(cause) or str(cause) not in client_error.message


@pytest.mark.steered_time
@pytest.mark.parametrize("query", [A_QUERY, WRITE], ids=["query", "mutation"])
@pytest.mark.parametrize(
    "cause",
    [
        httpx.ConnectError("[Errno 111] orders-7.internal:8001 refused"),
        httpx.RemoteProtocolError("peer orders-7.internal closed"),
        httpx.Response(500, text="Traceback: psycopg.OperationalError at orders-7.internal"),
        httpx.Response(200, text="<html>orders-7.internal</html>"),
        httpx.Response(418, json={"detail": "orders-7.internal"}),
    ],
    ids=["refused", "closed", "500", "html", "418"],
)
async def test_no_error_tells_of_the_inside(
    query: str, cause: httpx.TransportError | httpx.Response
) -> None:
    """Whatever a service does, the client sees a code and the service's role, never a host."""
    async with open_door() as door:
        if isinstance(cause, httpx.Response):
            door.twins.orders.mock(return_value=cause)
        else:
            door.twins.orders.mock(side_effect=cause)
        response = await door.ask(query)

    assert response.status_code == 200
    assert response.json().get("errors") or "REJECTED" in response.text
    assert "internal" not in response.text
    assert "Traceback" not in response.text
    assert "INTERNAL_ERROR" not in response.text
