"""Requests that nobody has thought of: documents that Hypothesis makes of the schema.

An id is mostly one that exists, or nearly every request would end at its first argument.
"""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from graphql import StringValueNode, print_ast, visit
from graphql.language import FieldNode, Node, Visitor
from hypothesis import strategies as st
from hypothesis_graphql import from_schema, nodes

from gateway.execution.graphql_schema import graphql_schema_of
from resolvers.schema import build_schema

CORE: Final = graphql_schema_of(build_schema())

GOOD_TOKEN: Final = "the last token that was seen"
"""Stands where the sender puts a genuine one."""

TOKENS: Final = st.sampled_from((GOOD_TOKEN, GOOD_TOKEN, "ct1AAAA", "", "x" * 300))
ID_STEMS: Final = {"order": "o", "orders": "c", "customer": "c", "product": "p"}
ACCEPTS: Final = (
    "application/json",
    "application/graphql-response+json",
    "application/graphql-response+json, application/json;q=0.5",
    "*/*",
)


@dataclass(frozen=True, slots=True)
class RandomRequest:
    """One request; ``is_get`` where it goes in the address."""

    document: str
    headers: dict[str, str]
    is_get: bool

    def target(self, path: str) -> str:
        """The address, with the request in it if that is how it is sent."""
        return f"{path}?{urlencode({'query': self.document})}" if self.is_get else path

    def body(self) -> bytes:
        """What is posted."""
        return b"" if self.is_get else json.dumps({"query": self.document}).encode()


class _KnownIds(Visitor):
    """Puts ids that exist in place of texts that are arguments of roots."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self._stem = "o"

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self._stem = ID_STEMS.get(node.name.value, self._stem)

    def enter_string_value(self, node: StringValueNode, *_: object) -> StringValueNode | None:
        if node.value in (GOOD_TOKEN, "ct1AAAA") or self._number % 5 == 0:
            return None
        return StringValueNode(value=f"{self._stem}-{self._number % 40}")


def _with_known_ids(document: Node, number: int) -> str:
    return print_ast(visit(document, _KnownIds(number)))


def random_requests() -> st.SearchStrategy[RandomRequest]:
    """Requests of any kind that a client may send to the schema; valid, mostly."""
    scalars = {"ConsistencyToken": TOKENS.map(nodes.String)}
    numbers = iter(range(10**9))
    documents = from_schema(
        CORE,
        custom_scalars=scalars,
        print_ast=lambda document: _with_known_ids(document, next(numbers)),
    )
    headers = st.fixed_dictionaries(
        {"Accept": st.sampled_from(ACCEPTS)},
        optional={
            "X-Consistency-Token": TOKENS,
            "X-Deadline-Ms": st.sampled_from(("500", "100000", "-1", "soon")),
            "If-None-Match": st.sampled_from(("*", '"x"')),
        },
    )
    return st.builds(RandomRequest, documents, headers, st.booleans())
