import httpx
import pytest
from structlog.testing import capture_logs

from gateway.execution.documents import Documents
from gateway.web.accepting import GRAPHQL_RESPONSE_JSON
from resolvers.upstream.customers import CustomersClient
from tests.gateway.front_door import (
    A_MUTATION,
    A_QUERY,
    ENDPOINT,
    code_of,
    only_error,
    open_door,
)

pytestmark = pytest.mark.steered_time

NEW_TYPE = {"accept": GRAPHQL_RESPONSE_JSON}
OLD_TYPE = {"accept": "application/json"}
BREAK_OF_RULES = {
    "syntax": ("{ order(", "GRAPHQL_PARSE_FAILED"),
    "unknown field": ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
    "too deep": ("{a" * 40 + "}" * 40, "QUERY_TOO_LARGE"),
    "too deep to parse": ("{a" * 400 + "}" * 400, "QUERY_TOO_LARGE"),
    "too many tokens": ("{" + " a" * 2000 + "}", "QUERY_TOO_LARGE"),
    "too long": ("#" * 200_000 + "\n{ __typename }", "QUERY_TOO_LARGE"),
    "no operation": ("fragment F on Query { __typename }", "GRAPHQL_VALIDATION_FAILED"),
    "no choice": ("query A { __typename } query B { __typename }", "GRAPHQL_VALIDATION_FAILED"),
    "subscription": ("subscription { order }", "GRAPHQL_VALIDATION_FAILED"),
    "missing variable": ("query ($id: ID!) { order(id: $id) { id } }", "BAD_USER_INPUT"),
}


async def test_post_and_get_give_the_same_answer() -> None:
    """A query may be sent in a body or in the address."""
    async with open_door() as door:
        posted = await door.ask(A_QUERY)
        got = await door.get({"query": A_QUERY})

    assert posted.status_code == got.status_code == 200
    assert posted.json() == got.json()
    assert posted.json()["data"] == {"order": {"id": "o-1"}}


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
        ("application/json", "application/json; charset=utf-8"),
        (GRAPHQL_RESPONSE_JSON, "application/graphql-response+json; charset=utf-8"),
        (
            f"application/json;q=0.9, {GRAPHQL_RESPONSE_JSON}",
            "application/graphql-response+json; charset=utf-8",
        ),
    ],
)
async def test_the_media_type_of_the_answer_is_what_was_asked_for(
    accept: str | None, answered: str
) -> None:
    """GraphQL's own media type is for who names it; everybody else gets JSON."""
    async with open_door() as door:
        response = await door.post(headers={} if accept is None else {"accept": accept})

    assert response.headers["content-type"] == answered
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("case", BREAK_OF_RULES)
async def test_a_refused_document_is_a_400_in_the_new_media_type(case: str) -> None:
    """A document that was not run is answered with 400, a code and no `data`."""
    query, code = BREAK_OF_RULES[case]
    async with open_door() as door:
        response = await door.ask(query, headers=NEW_TYPE)

    assert response.status_code == 400
    assert code_of(response) == code


@pytest.mark.parametrize("case", BREAK_OF_RULES)
async def test_a_refused_document_is_a_200_in_the_old_media_type(case: str) -> None:
    """Old clients read the body of a 200 only, so application/json has its errors there."""
    query, code = BREAK_OF_RULES[case]
    async with open_door() as door:
        response = await door.ask(query, headers=OLD_TYPE)

    assert response.status_code == 200
    assert code_of(response) == code


async def test_an_error_of_a_field_is_a_200_in_both_media_types() -> None:
    """What was run is answered with 200, also when a field of it failed."""
    async with open_door() as door:
        door.twins.orders.mock(return_value=httpx.Response(500))
        answers = [await door.ask(A_QUERY, headers=accept) for accept in (NEW_TYPE, OLD_TYPE)]

    for answer in answers:
        assert answer.status_code == 200
        assert answer.json()["data"] == {"order": None}
        assert answer.json()["errors"][0]["path"] == ["order"]


@pytest.mark.parametrize("accept", [NEW_TYPE, OLD_TYPE], ids=["new", "old"])
async def test_what_is_no_graphql_request_is_a_400_in_both_media_types(
    accept: dict[str, str],
) -> None:
    """A body that is not JSON is refused by HTTP's rules, whatever is accepted."""
    async with open_door() as door:
        response = await door.post(b"[", accept)

    assert response.status_code == 400
    assert code_of(response) == "BAD_REQUEST"


async def test_another_content_type_is_a_415() -> None:
    """A form is not read, so no page of another site can send an operation as one."""
    async with open_door() as door:
        response = await door.post(
            b"query=%7B__typename%7D", {"content-type": "application/x-www-form-urlencoded"}
        )

    assert response.status_code == 415
    assert code_of(response) == "BAD_REQUEST"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
async def test_another_method_is_a_405_that_names_the_right_ones(method: str) -> None:
    """Queries go by POST and GET, and the refusal says so in its Allow header."""
    async with open_door() as door:
        response = await door.client.request(method, ENDPOINT)

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("accept", [NEW_TYPE, OLD_TYPE], ids=["new", "old"])
async def test_a_mutation_by_get_writes_nothing(accept: dict[str, str]) -> None:
    """A mutation in an address is a 405 before any service has heard of it."""
    async with open_door() as door:
        response = await door.get({"query": A_MUTATION}, accept)

    assert response.status_code == 405
    assert code_of(response) == "BAD_REQUEST"
    assert door.calls == []
    assert door.twins.order_shelf.rows["o-1"].note is None


async def test_a_mutation_by_post_writes() -> None:
    """The control: the same mutation in a body reaches the order service."""
    async with open_door() as door:
        await door.ask(A_MUTATION)

    assert door.calls == ["PATCH /orders/o-1"]
    assert door.twins.order_shelf.rows["o-1"].note == "gift"


async def test_a_get_runs_the_query_that_is_named_and_no_mutation_beside_it() -> None:
    """Of a document with both kinds, GET runs the query and refuses the mutation, by name."""
    document = f"query Read {A_QUERY} mutation Write {A_MUTATION.removeprefix('mutation ')}"
    async with open_door() as door:
        read = await door.get({"query": document, "operationName": "Read"})
        written = await door.get({"query": document, "operationName": "Write"})

    assert read.json()["data"] == {"order": {"id": "o-1"}}
    assert written.status_code == 405
    assert door.calls == ["GET /orders/o-1"]


async def test_a_get_of_an_operation_that_is_not_there_says_so() -> None:
    """A misspelt operation name is the document's fault, not the method's."""
    async with open_door() as door:
        response = await door.get(
            {"query": "query A { __typename }", "operationName": "B"}, NEW_TYPE
        )

    assert response.status_code == 400
    assert only_error(response)["message"] == "Unknown operation named 'B'."


async def test_a_mistake_of_ours_is_a_500_that_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Our own exception is a coded 500 with the request id; its text is in the log, once."""

    def fail(*_: object) -> None:
        raise RuntimeError("driver says: postgres://orders-db.internal refused")

    async with open_door() as door:
        monkeypatch.setattr(Documents, "read", fail)
        with capture_logs() as logged:
            response = await door.post(headers={"x-request-id": "abc-1"})

    [line] = logged
    error = only_error(response)
    assert response.status_code == 500
    assert error["extensions"] == {"code": "INTERNAL_ERROR", "requestId": "abc-1"}
    assert "postgres" not in response.text
    assert "Traceback" not in response.text
    assert "internal" not in response.text.replace("INTERNAL_ERROR", "")
    assert (line["event"], line["request_id"]) == ("internal_error", "abc-1")
    assert "driver says" in str(line["exc_info"])


async def test_a_mistake_in_a_field_leaves_the_other_fields(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A field that fails by our mistake is an INTERNAL_ERROR of its own; the page stays."""

    async def fail(*_: object, **__: object) -> None:
        raise KeyError("/srv/secret/path.py")

    async with open_door() as door:
        monkeypatch.setattr(CustomersClient, "fetch", fail)
        monkeypatch.setattr(CustomersClient, "fetch_batch", fail)
        with capture_logs() as logged:
            response = await door.ask('{ __typename customer(id: "c-1") { name } }')

    [line] = logged
    body = response.json()
    assert (line["event"], line["path"]) == ("internal_error", ["customer"])
    assert response.status_code == 200
    assert body["data"] == {"__typename": "Query", "customer": None}
    assert body["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in response.text


async def test_without_a_playground_a_browser_is_answered_as_a_client() -> None:
    """Where the playground is off, nothing tells that there could be one."""
    async with open_door() as door:
        response = await door.client.get(ENDPOINT, headers={"accept": "text/html, */*;q=0.8"})

    assert response.status_code == 400
    assert code_of(response) == "BAD_REQUEST"


async def test_with_a_playground_a_browser_gets_the_page_and_a_query_its_answer() -> None:
    """The page is for a browser that asks for nothing else at the same address."""
    browser = {"accept": "text/html,*/*"}
    async with open_door(playground=True) as door:
        page = await door.client.get(ENDPOINT, headers=browser)
        answer = await door.get({"query": "{ __typename }"}, browser)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert answer.json()["data"] == {"__typename": "Query"}


async def test_a_very_long_message_is_cut() -> None:
    """An error quotes at most 500 characters of what it blames, not thirty thousand."""
    async with open_door() as door:
        response = await door.ask("a" * 30_000)

    assert len(only_error(response)["message"]) == 500
