"""Runs a checked document on the reference executor, graphql-core."""

import inspect

import strawberry
from graphql import ExecutionResult, GraphQLSchema, execute

from gateway.execution.documents import Document
from resolvers.context import OperationContext


def graphql_schema_of(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's view of the schema, for which Strawberry has no public name."""
    return schema._schema  # noqa: SLF001 - the one place


class Executor:
    """The executor of one schema."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema = graphql_schema_of(schema)
        self._executor_class = schema.execution_context_class

    async def run(
        self,
        document: Document,
        context: OperationContext,
        *,
        variables: dict[str, object],
        operation_name: str | None,
    ) -> ExecutionResult:
        """The answer, errors of fields included. Raises only what is a mistake of this gateway."""
        result = execute(
            self._schema,
            document.node,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            executor_class=self._executor_class,
            hide_suggestions=True,
        )
        return await result if inspect.isawaitable(result) else result
