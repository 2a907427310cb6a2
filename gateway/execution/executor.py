"""Runs a checked document: by its plan where it has one, else on graphql-core.

graphql-core is the reference: whatever is odd about a request or its data is for it to judge, over
the rows that the plan has read.

graphql-core's executor holds its own methods, and with them itself and all that one operation has
made, until the garbage collector looks at it. Two million such objects are a pause of four seconds;
so the methods are held by a reference that does not count (`uncircled`).
"""

import inspect
import weakref
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import strawberry
from graphql import ExecutionResult, execute
from graphql.execution import Executor as CoreExecutor
from graphql.type import GraphQLResolveInfoHelpers
from msgspec import structs

from gateway.execution.document import Document
from gateway.execution.graphql_schema import graphql_schema_of
from gateway.execution.plan import Plan
from gateway.ways import Way
from resolvers.answer import Answer
from resolvers.context import OperationContext
from resolvers.read_request import ReadRequest, Reads


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


class Executed(NamedTuple):
    """An answer, and who gave it: its plan, or graphql-core."""

    result: ExecutionResult
    way: Way


class Executor:
    """The executor of one schema.

    ``handed_on_count``: operations that had a plan, and were run by graphql-core all the same.
    """

    handed_on_count = 0

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
        plan: Plan | None = None,
    ) -> Executed:
        """The answer, errors of fields included. Raises only what is a mistake of this gateway."""
        if plan is not None:
            planned = _Planned(plan, context)
            try:
                return Executed(await planned.run(variables), "planned")
            except Exception:  # noqa: BLE001 - graphql-core finds it again, and says whose it is
                context = planned.undone()
                self.handed_on_count += 1
        result = await self._refer(document, context, variables, operation_name)
        return Executed(result, "referred")

    async def _refer(
        self,
        document: Document,
        context: OperationContext,
        variables: dict[str, object],
        operation_name: str | None,
    ) -> ExecutionResult:
        """What graphql-core makes of it."""
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


class _Planned:
    """One run of a plan, which can be undone up to its reads."""

    def __init__(self, plan: Plan, context: OperationContext) -> None:
        self._plan = plan
        self._context = context
        self._expired_count = context.tokens.expired_count
        self._token = context.report.token
        self._answers: dict[str, Answer] = {}

    async def run(self, variables: Mapping[str, object]) -> ExecutionResult:
        asked = self._plan.ask(variables, self._context)
        answers = await self._context.reads.read_all(asked.requests)
        names = (request.name for request in asked.requests)
        self._answers = dict(zip(names, answers, strict=True))
        return self._plan.render(asked, answers, self._context)

    def undone(self) -> OperationContext:
        """The context as if nothing had been shown, with the answers that are there."""
        self._context.tokens.forget_seen(self._expired_count)
        self._context.report.untell()
        if not self._answers:
            self._context.report.token = self._token
        return structs.replace(self._context, reads=ReadAlready(self._answers, self._context.reads))


@dataclass(frozen=True, slots=True)
class ReadAlready:
    """Reads whose answers are at hand, by the keys of their root fields; others are read."""

    answers: Mapping[str, Answer]
    reads: Reads

    async def read(self, request: ReadRequest) -> Answer:
        """Obey `Reads.read`."""
        known = self.answers.get(request.name)
        return await self.reads.read(request) if known is None else known

    async def read_all(self, requests: Sequence[ReadRequest]) -> list[Answer]:
        """Obey `Reads.read_all`."""
        return await self.reads.read_all(requests)

    def forget(self) -> None:
        """Obey `Reads.forget`."""
        self.reads.forget()

    def close(self) -> None:
        """Obey `Reads.close`."""
        self.reads.close()
