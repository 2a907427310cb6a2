"""A plan: one operation of a document, ready to be answered over and over.

The rule: whatever the document, the data and the arguments, a plan answers exactly what
graphql-core answers, or it raises `Unproven`, and graphql-core is asked.
"""

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
)
from msgspec import Struct

from gateway.admission.bills import FREE, Bill
from gateway.execution.arguments import Unproven, Variables
from gateway.execution.asking import Asking
from gateway.execution.collecting import Unplannable, collect
from gateway.execution.generating import Generator, Render
from gateway.execution.graphql_schema import graphql_schema_of
from gateway.execution.rendering import Rendition
from gateway.request_record import OperationName
from projections.selection import PageSelection
from resolvers.answer import Answer
from resolvers.context import TokenContext
from resolvers.errors import ResolverError
from resolvers.read_request import ReadRequest

MAX_TOLD: Final = 16
MAX_TOLD_CHARACTERS: Final = 64
"""Of variables that tell requests apart. No id is longer, and what is kept of them is bounded."""

_numbers = itertools.count(1)


class Asked(Struct, frozen=True):
    """What one request asks for: a read for each root field, and the pages of its lists."""

    requests: list[ReadRequest]
    pages: list[PageSelection]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Made by `compile`; ``source`` is the code that was written for it.

    ``number`` is its own in this process: what is kept under it does not keep the plan.
    ``operation``: what it is called in its document. ``bill``: what it costs.
    """

    number: int
    source: str
    _render: Render
    _asking: Asking
    _variables: Variables
    operation: OperationName
    bill: Bill = FREE

    @classmethod
    def compile(
        cls,
        schema: strawberry.Schema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        conditions: Mapping[str, bool],
    ) -> Self:
        """Costs milliseconds. Raises `Unplannable` for what is left to graphql-core for good.

        ``conditions``: the values of the variables that decide what is in the answer.
        """
        if operation.operation is not OperationType.QUERY:
            raise Unplannable("only queries are planned")
        core = graphql_schema_of(schema)
        fields = collect(core, document, operation, conditions)
        try:
            asking = Asking(schema, fields)
        except Unproven as error:
            raise Unplannable("an argument that graphql-core is to judge") from error
        generator = Generator(asking.page_fields)
        source = generator.write(fields)
        variables = Variables(core, operation)
        render, name = generator.load(source), told_name(operation)
        return cls(next(_numbers), source, render, asking, variables, name)

    @property
    def has_demands(self) -> bool:
        """Does any field say how fresh it is to be?"""
        return self._asking.has_demands

    def identity(self, variables: Mapping[str, object]) -> Hashable | None:
        """The same for requests that ask for the same; None where that is not told at a glance.

        So it is not where what is answered depends on more than the variables and what they lead
        to: a field says what it demands, or is sealed for its caller and the moment.
        """
        if not self._asking.is_of_rows_alone:
            return None
        values = self._variables.taken(variables)
        if values is None or len(values) > MAX_TOLD or not all(map(_is_short, values.values())):
            return None
        return (self.number, *values.items())

    def ask(self, variables: Mapping[str, object], context: TokenContext) -> Asked:
        """What this request asks for. Raises `Unproven` where its arguments are no good."""
        whole = self._asking.looks_into_variables
        coerced = self._variables.coerced(variables, are_looked_into=whole)
        try:
            return Asked(*self._asking.ask(context, coerced))
        except ResolverError as error:
            raise Unproven from error

    def render(
        self, asked: Asked, answers: Sequence[Answer], context: TokenContext
    ) -> ExecutionResult:
        """The result, once the reads are answered. Raises `Unproven` where anything is odd."""
        errors: list[GraphQLError] = []
        renditions = [
            Rendition(request.root, answer, asked.pages, errors, context)
            for request, answer in zip(asked.requests, answers, strict=True)
        ]
        try:
            data = self._render(renditions)
        except Exception as error:
            raise Unproven from error
        return ExecutionResult(data, errors or None)


def told_name(operation: OperationDefinitionNode) -> OperationName:
    """What this operation is called, as far as that is told."""
    name = None if operation.name is None else operation.name.value
    return OperationName.of(name, operation.operation.value)


def _is_short(value: object) -> bool:
    return not isinstance(value, str) or len(value) <= MAX_TOLD_CHARACTERS
