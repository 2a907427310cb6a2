"""A write is told from a read by a glance at bytes that nobody has parsed."""

import json

import pytest

from gateway.admission.lanes import Lane, lane_of


def posted(query: str, **beside: object) -> bytes:
    return json.dumps({**beside, "query": query}).encode()


@pytest.mark.parametrize(
    "body",
    [
        posted("mutation { cancelOrder }"),
        posted("mutation Cancel($id: ID!) { cancelOrder }", variables={"id": "o-1"}),
        posted("\n\t mutation{cancelOrder}"),
        posted(" ,, mutation @x { cancelOrder }"),
        b'{ "query" : "mutation { x }" }',
    ],
)
def test_a_document_that_begins_with_a_mutation_is_a_write(body: bytes) -> None:
    """White space and commas before the word change nothing, as in GraphQL."""
    assert lane_of("POST", body) is Lane.WRITE


@pytest.mark.parametrize(
    "body",
    [
        posted("{ order { id } }"),
        posted("query mutation { order { id } }"),
        posted("mutations { x }"),
        posted("# mutation\n{ order { id } }"),
        posted("fragment F on Order { id } mutation { x }"),
        b"mutation",
        b"",
        b"\xff\x00",
    ],
)
def test_everything_else_is_a_read(body: bytes) -> None:
    """What cannot be told at a glance waits with the reads; it is served all the same."""
    assert lane_of("POST", body) is Lane.READ


def test_by_get_nothing_is_written() -> None:
    """A GET has no body that could be a write."""
    assert lane_of("GET", posted("mutation { x }")) is Lane.READ
