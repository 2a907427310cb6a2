"""One GraphQL operation from request to response body: context, execution, joined token."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType

from gateway.answers_at_hand import AnswersAtHand
from gateway.consistency_extension import render_consistency
from gateway.errors import ErrorCode, Json, RequestRefused, translate
from gateway.execution.documents import Document, DocumentRefused, Documents
from gateway.execution.executor import Executor
from gateway.metrics.counts import OperationCounts
from gateway.plan_extension import render_plan
from gateway.request import GraphQLRequest, RequestHeaders
from gateway.response import Response
from gateway.telemetry import Telemetry
from gateway.validators import etag_of
from projections.token import ConsistencyToken
from projections.token_codec import TokenCodec
from resolvers.context import OperationContext
from resolvers.errors import BadInput, InvalidToken
from resolvers.live_pace import LivePace
from resolvers.loaders import Clients, LiveLoader
from resolvers.read_model import ReadModel
from resolvers.read_request import ReadOptions
from resolvers.reading import OperationReads
from resolvers.report import ConsistencyReport
from resolvers.tokens import TokenDesk
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallLog
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import without_frames
from resolvers.viewer import ANYBODY, Viewer


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's word on who asks, and what it brings along."""

    viewer: Viewer
    request_id: str
    traceparent: str | None
    token_texts: list[str]

    @classmethod
    def of(cls, headers: RequestHeaders, subject_header: str | None) -> "Caller":
        # The last one, where it is repeated: a proxy that appends puts its own there.
        subject = headers.last(subject_header.lower()) if subject_header else None
        return cls(
            viewer=Viewer(subject) if subject else ANYBODY,
            request_id=headers.request_id,
            traceparent=headers.traceparent,
            token_texts=headers.token_texts,
        )

    @property
    def subject(self) -> str:
        """What her tokens are bound to."""
        return self.viewer.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Runs operations; everything here lives as long as the gateway."""

    documents: Documents
    executor: Executor
    clients: Clients
    model: ReadModel | None
    codec: TokenCodec
    read_options: ReadOptions
    request_timeout_s: float
    telemetry: Telemetry
    is_plan_shown: bool = False
    pace: LivePace = field(default_factory=LivePace)
    wall_clock: Callable[[], float] = time.time
    at_hand: AnswersAtHand | None = None
    counts: OperationCounts = field(default_factory=OperationCounts)

    async def run(
        self,
        request: GraphQLRequest,
        caller: Caller,
        *,
        deadline: Deadline,
        is_read_only: bool,
        is_looked_for: bool = False,
    ) -> Response:
        """The answer to ``request``. Raises `RequestRefused` where nothing was run.

        ``is_looked_for``: it was not at hand a moment ago.
        """
        found = None if is_looked_for else self.find(request, caller, is_read_only=is_read_only)
        if found is not None:
            return found
        tokens = TokenDesk(self.codec, caller.subject, self.wall_clock)
        token = self._demanded(tokens, caller)
        try:
            document = self.documents.read(request.query, request.variables)
        except DocumentRefused as refused:
            return self.refuse(refused.errors, caller)
        plan = self.documents.plan(document, request.operation_name, request.variables)
        operation_type = document.operation_type(request.operation_name)
        if operation_type is OperationType.SUBSCRIPTION:
            message = "follow it by Accept: text/event-stream, or over a WebSocket"
            raise RequestRefused(HTTPStatus.NOT_ACCEPTABLE, ErrorCode.BAD_REQUEST, message)
        if is_read_only and operation_type not in (OperationType.QUERY, None):
            message = "only queries can be sent by GET"
            raise RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED, ErrorCode.BAD_REQUEST, message)
        context = self._context(document, caller, deadline, tokens, token)
        try:
            result, way = await self.executor.run(
                document,
                context,
                variables=request.variables,
                operation_name=request.operation_name,
                plan=plan,
            )
            if _is_refused(result):
                return self.refuse(result.errors or [], caller)
            response = await self._respond(result, context, caller)
            self.counts.shown(context.report, expired_count=context.tokens.expired_count)
            may_be_known = is_read_only and not result.errors and context.report.is_satisfied
            if not may_be_known:
                return replace(response, way=way)
            data = orjson.dumps(result.data)
            etag = etag_of(data, context.report.token, caller.subject)
            return replace(response, way=way, etag=etag)
        finally:
            context.close()

    async def again(
        self,
        standing: Document,
        variables: dict[str, object],
        caller: Caller,
        seen: ConsistencyToken,
        deadline: Deadline,
    ) -> tuple[Response, ConsistencyReport]:
        """The answer to a standing query for who has ``seen`` so much, and what is shown in it."""
        tokens = TokenDesk(self.codec, caller.subject, self.wall_clock)
        plan = self.documents.plan(standing, None, variables)
        context = self._context(standing, caller, deadline, tokens, seen)
        try:
            result, way = await self.executor.run(
                standing, context, variables=variables, operation_name=None, plan=plan
            )
            response = await self._respond(result, context, caller)
            return replace(response, way=way), context.report
        finally:
            context.close()

    def find(
        self, request: GraphQLRequest, caller: Caller, *, is_read_only: bool
    ) -> Response | None:
        """The answer of `run`, where it is at hand; None where it is not. Never waits."""
        if self.at_hand is None or self.is_plan_shown:
            return None
        name, variables = request.operation_name, request.variables
        plan = self.documents.ready_plan(request.query, name, variables)
        if plan is None:
            return None
        tokens = TokenDesk(self.codec, caller.subject, self.wall_clock)
        found = self.at_hand.find(plan, variables, tokens, caller.token_texts)
        if found is None:
            return None
        etag = found.etag(caller.subject) if is_read_only else None
        return Response(found.body, found.token, etag=etag, way=found.way)

    def is_subscription(self, request: GraphQLRequest) -> bool:
        """Is it one? Raises `DocumentRefused` for a document that cannot be run."""
        document = self.documents.read(request.query, request.variables)
        return document.operation_type(request.operation_name) is OperationType.SUBSCRIPTION

    def may_be_abandoned(self, request: GraphQLRequest) -> bool:
        """May a running request be cancelled when its client leaves? Only if it writes nothing.

        A document too long to be kept is not looked at again: its request runs to its end.
        """
        document = self.documents.find(request.query)
        return (
            document is not None
            and document.operation_type(request.operation_name) is OperationType.QUERY
        )

    def mistake(self, error: Exception, caller: Caller) -> Response:
        """The answer to a request that failed by our own mistake."""
        wrapped = GraphQLError("internal error", original_error=error)
        errors = self._render_all([wrapped], caller)
        return Response({"errors": errors}, status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def _demanded(self, tokens: TokenDesk, caller: Caller) -> ConsistencyToken:
        """What the tokens of the request demand; bad cookies are not among them any more."""
        try:
            return tokens.open_all(caller.token_texts, "X-Consistency-Token")
        except (InvalidToken, BadInput) as error:
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST, ErrorCode.INVALID_CONSISTENCY_TOKEN, str(error)
            ) from error

    def _context(
        self,
        document: Document,
        caller: Caller,
        deadline: Deadline,
        tokens: TokenDesk,
        token: ConsistencyToken,
    ) -> OperationContext:
        log = CallLog(began_at_s=_now_s()) if self.is_plan_shown else None
        call = CallContext(deadline, caller.request_id, caller.traceparent, log)
        report = ConsistencyReport(token)
        reads = OperationReads(
            model=self.model,
            live=LiveLoader(self.clients, call),
            report=report,
            deadline=deadline,
            subject=caller.subject,
            options=self.read_options,
            pace=self.pace,
            wall_clock=self.wall_clock,
        )
        return OperationContext(
            clients=self.clients,
            model=self.model,
            call=call,
            viewer=caller.viewer,
            reads=reads,
            report=report,
            tokens=tokens,
            token=token,
            fragments=document.fragments,
        )

    async def _respond(
        self, result: ExecutionResult, context: OperationContext, caller: Caller
    ) -> Response:
        sealed = await context.tokens.seal_joined(context.report.token, self.model)
        body: Json = {"data": result.data}
        if result.errors:
            body["errors"] = self._render_all(result.errors, caller)
        consistency = render_consistency(
            context.report, sealed, expired_count=context.tokens.expired_count
        )
        extensions: Json = {"consistency": consistency}
        if context.call.log is not None:
            extensions["plan"] = render_plan(context.call.log, _now_s())
        body["extensions"] = extensions
        return Response(body, sealed)

    def refuse(self, errors: list[GraphQLError], caller: Caller) -> Response:
        """The answer to a document that is not run."""
        return Response({"errors": self._render_all(errors, caller)}, is_request_error=True)

    def _render_all(self, errors: list[GraphQLError], caller: Caller) -> list[Json]:
        """All of them told, and those of ours logged; then none holds the operation any more.

        Not sooner: fields that failed together share what made them fail, frames and all.
        """
        rendered = [self._render(error, caller) for error in errors]
        for error in errors:
            without_frames(error)
            if error.original_error is not None:
                without_frames(error.original_error)
        return rendered

    def _render(self, error: GraphQLError, caller: Caller) -> Json:
        told = translate(error, caller.request_id)
        self.counts.errors[told.code] += 1
        if told.is_ours:
            self.telemetry.mistake_made(caller.request_id, error)
        rendered: Json = {"message": told.message}
        if error.locations:
            rendered["locations"] = [
                {"line": at.line, "column": at.column} for at in error.locations
            ]
        if error.path is not None:
            rendered["path"] = error.path
        rendered["extensions"] = told.extensions
        return rendered


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _is_refused(result: ExecutionResult) -> bool:
    """Was nothing run, for want of the operation or a variable? Errors of fields have a path."""
    return result.data is None and all(error.path is None for error in result.errors or ())
