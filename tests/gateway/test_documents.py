import time

import pytest
from graphql import get_introspection_query
from structlog.testing import capture_logs

from gateway.execution.documents import (
    CHARACTERS_PER_TOKEN,
    MAX_KEPT_TEXT_CHARACTERS,
    DocumentRefused,
    Documents,
)
from gateway.execution.graphql_schema import graphql_schema_of
from gateway.settings import Settings
from resolvers.schema import build_schema
from tests.gateway.front_door import only_error, open_door

SCHEMA = graphql_schema_of(build_schema())


def some_documents(*, is_introspection_on: bool = False) -> Documents:
    settings = Settings()
    return Documents(
        SCHEMA,
        token_limit=settings.query_token_limit,
        limits=settings.document_limits(),
        is_introspection_on=is_introspection_on,
    )


def messages(documents: Documents, text: str) -> list[str]:
    """What is said against a document; nothing where it may be run."""
    try:
        documents.read(text, {})
    except DocumentRefused as refused:
        return [error.message for error in refused.errors]
    return []


def graphiql_query(**options: bool) -> str:
    return get_introspection_query(
        descriptions=True, schema_description=True, directive_is_repeatable=True, **options
    )


def test_a_document_is_parsed_once() -> None:
    """The same text gives the very same document."""
    documents = some_documents()

    first = documents.read("{ __typename }", {})

    assert documents.read("{ __typename }", {}) is first
    assert documents.find("{ __typename }") is first


def test_a_known_document_is_measured_with_each_request() -> None:
    """A document that was cheap with one page size is refused with another."""
    documents = some_documents()
    inner = "orders(first: $n) { edges { node { id } } }"
    outer = f"orders(first: $n) {{ edges {{ node {{ customer {{ {inner} }} }} }} }}"
    text = f'query ($n: Int) {{ customer(id: "c-1") {{ {outer} }} }}'

    documents.read(text, {"n": 2})

    with pytest.raises(DocumentRefused, match="1 errors"):
        documents.read(text, {"n": 100})


def test_no_more_documents_are_kept_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different texts come, the oldest make room, and the latest used stay."""
    monkeypatch.setattr("gateway.execution.documents.MAX_KEPT", 10)
    documents = some_documents()
    favourite = documents.read("{ favourite: __typename }", {})
    for n in range(50):
        documents.read(f"{{ a{n}: __typename }}", {})
        documents.read("{ favourite: __typename }", {})

    assert len(documents._kept) == 10
    assert documents.find("{ a0: __typename }") is None
    assert documents.find("{ favourite: __typename }") is favourite


def test_long_and_refused_documents_are_not_kept() -> None:
    """Memory is for documents that are small and may be run."""
    documents = some_documents()
    long = "#" * MAX_KEPT_TEXT_CHARACTERS + "\n{ __typename }"

    assert messages(documents, long) == []
    assert messages(documents, "{ nothing }") != []

    assert documents.find(long) is None
    assert documents.find("{ nothing }") is None


def test_a_text_beyond_all_measure_is_not_even_read() -> None:
    """A megabyte of commas is refused unlexed: lexing it would hold up everybody else."""
    told = messages(some_documents(), "," * 1_000_000 + "{ __typename }")

    assert told == [f"a document has at most {1_000 * CHARACTERS_PER_TOKEN} characters"]


@pytest.mark.parametrize(
    "text",
    [
        "{ order(id: " + "[" * 150 + "]" * 150 + ") { id } }",
        '{ order(id: "o-1", consistency: ' + "{ a: " * 120 + "1" + " }" * 120 + ") { id } }",
        "{" + " ...{" * 150 + " a" + " }" * 151,
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...Nowhere }",
        '{ customer(id: "c-1") {' + " x: name" * 100 + " x: id" * 100 + "} }",
        "query (" + "$v: Int " * 200 + ") { __typename }",
        "{ __typename " + "@skip(if: true) " * 120 + "}",
        "{ orders(customerId: 1, first: " + "9" * 100_000 + ") { pageInfo { hasNextPage } } }",
        '{ order(id: "o-1", consistency: { atLeast: { tokens: [1] } }) { id } }',
        'mutation { updateProduct(input: { id: "p-1", price: "abc" }) { userErrors { code } } }',
    ],
    ids=lambda text: text[:40],
)
def test_a_strange_document_is_refused_in_words(text: str) -> None:
    """Nesting, circles, repeats and literals of no type are refused quickly, and never break us."""
    started_at_s = time.perf_counter()

    told = messages(some_documents(), text)

    assert told
    assert time.perf_counter() - started_at_s < 2


def test_a_literal_that_breaks_its_scalar_is_blamed_on_the_document() -> None:
    """A number of five thousand digits is the client's mistake, told without a driver's words."""
    query = "{ orders(customerId: 1, first: " + "9" * 5000 + ") { pageInfo { hasNextPage } } }"

    [told] = messages(some_documents(), query)

    assert told == "A literal is not a value of its type."


def test_hints_for_misspelt_names_are_for_developers() -> None:
    """With introspection on, a misspelt name is answered with its neighbours; without, not."""
    [helpful] = messages(some_documents(is_introspection_on=True), "{ ordr }")
    [silent] = messages(some_documents(), "{ ordr }")

    assert "Did you mean" in helpful
    assert "Did you mean" not in silent
    assert "order" not in silent.replace("ordr", "")


def test_introspection_is_refused_unless_it_is_on() -> None:
    """The schema is told to nobody in production; __typename, which clients need, stays."""
    documents = some_documents()

    assert messages(documents, "{ __schema { types { name } } }")
    assert messages(documents, '{ __type(name: "Order") { name } }')
    assert messages(documents, "{ __typename }") == []


@pytest.mark.parametrize("options", [{}, {"input_value_deprecation": True}], ids=["plain", "full"])
def test_the_query_that_graphiql_sends_passes_all_limits(options: dict[str, bool]) -> None:
    """Where introspection is on, the default limits let GraphiQL read the whole schema."""
    assert messages(some_documents(is_introspection_on=True), graphiql_query(**options)) == []


def test_introspection_in_circles_is_refused() -> None:
    """From types to fields to types again is a small text with a giant answer."""
    circle = "fields { type { " * 3
    text = "{ __schema { types { " + circle + "name" + " }" * 9

    told = messages(some_documents(is_introspection_on=True), text)

    assert told == ["Maximum introspection depth exceeded"]


@pytest.mark.steered_time
async def test_graphiql_can_read_the_schema_over_http() -> None:
    """The playground's first request is answered with all types and nothing in the log."""
    async with open_door(introspection=True) as door:
        with capture_logs() as logged:
            response = await door.ask(graphiql_query())

    assert {"Order", "Customer", "Product"} <= {
        of["name"] for of in response.json()["data"]["__schema"]["types"]
    }
    assert logged == []


@pytest.mark.steered_time
async def test_a_refused_document_asks_no_service() -> None:
    """A document with one bad field in it is not run at all."""
    async with open_door() as door:
        response = await door.ask('{ order(id: "o-1") { id } nothing }')

    assert only_error(response)["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert door.calls == []
