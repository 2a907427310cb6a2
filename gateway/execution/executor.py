"""Runs a checked document on the reference executor, graphql-core.

graphql-core's executor holds its own methods, and with them itself and all that one operation has
made, until the garbage collector looks at it. Two million such objects are a pause of four seconds;
so the methods are held by a reference that does not count (`uncircled`).
"""

import inspect
import weakref
from collections.abc import Awaitable, Sequence
from typing import Any

import strawberry
from graphql import ExecutionResult, GraphQLSchema, execute
from graphql.execution import Executor as CoreExecutor
from graphql.type import GraphQLResolveInfoHelpers

from gateway.execution.documents import Document
from resolvers.context import OperationContext


def graphql_schema_of(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's view of the schema, for which Strawberry has no public name."""
    return schema._schema  # noqa: SLF001 - the one place


def uncircled(of: type[CoreExecutor[Any]]) -> type[CoreExecutor[Any]]:
    """The same executor, which goes as soon as nobody needs it."""

    class Uncircled(of):  # type: ignore[valid-type,misc]  # a class that is known when it runs
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            alive = weakref.proxy(self)

            def gather(values: Sequence[Awaitable[Any]]) -> Awaitable[list[Any]]:
                return alive.gather_async_work(values)  # type: ignore[no-any-return]

            def track(values: Sequence[Any]) -> None:
                alive.track_async_work(values)

            self.async_helpers = GraphQLResolveInfoHelpers(gather=gather, track=track)

    return Uncircled


class Executor:
    """The executor of one schema."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema = graphql_schema_of(schema)
        self._executor_class = uncircled(schema.execution_context_class)

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
