"""One GraphQL operation from request to response body: context, execution, joined token."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType
from msgspec.structs import asdict, replace

from gateway.admission.bills import Cost
from gateway.answers_at_hand import AnswersAtHand
from gateway.caller import Caller
from gateway.consistency_extension import render_consistency
from gateway.errors import ErrorCode, Json, RequestRefused, TooMuchAsked, translate
from gateway.execution.document import Document
from gateway.execution.documents import DocumentRefused, Documents
from gateway.execution.executor import Executor
from gateway.metrics.counts import OperationCounts
from gateway.plan_extension import render_plan
from gateway.request import GraphQLRequest
from gateway.request_record import RequestRecord
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
from resolvers.upstream.call_log import CallLog
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import without_frames


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
    is_cost_shown: bool = False
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
        admitted = caller.admitted
        found = None if is_looked_for else self.find(request, caller, is_read_only=is_read_only)
        if found is not None:
            admitted.has_run(Cost(0, found.cost))
            return found
        tokens = TokenDesk(self.codec, caller.subject, self.wall_clock)
        token = self._demanded(tokens, caller)
        if self.documents.find(request.query) is None:
            admitted.reads(len(request.query))
        try:
            document = self.documents.read(request.query, request.variables)
        except DocumentRefused as refused:
            return self.refuse(refused.errors, caller)
        plan = self.documents.plan(document, request.operation_name, request.variables)
        record = caller.record or RequestRecord(0.0, caller.request_id)
        record.operation = document.told_name(request.operation_name)
        operation_type = document.operation_type(request.operation_name)
        _require_runnable(operation_type, is_read_only=is_read_only)
        bill = document.bill(request.operation_name) if plan is None else plan.bill
        estimated_cost = admitted.runs(bill.estimate(request.variables))
        context = self._context(document, caller, deadline, tokens, token, record)
        try:
            result, way = await self.executor.run(
                document,
                context,
                variables=request.variables,
                operation_name=request.operation_name,
                plan=plan,
            )
            cost = admitted.has_run(Cost(estimated_cost, bill.actual(result.data)))
            if result.errors and _is_refused(result):
                return self.refuse(result.errors, caller)
            response = await self._respond(result, context, caller, cost)
            self.counts.shown(context.report, cost, expired_count=context.tokens.expired_count)
            if not is_read_only or result.errors or not context.report.is_satisfied:
                return replace(response, way=way)
            etag = etag_of(orjson.dumps(result.data), context.report.token, caller.subject)
            return replace(response, way=way, etag=etag)
        finally:
            record.waited_s = context.report.waited_s
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
        record = RequestRecord(0.0, caller.request_id)
        context = self._context(standing, caller, deadline, tokens, seen, record)
        try:
            result, way = await self.executor.run(
                standing, context, variables=variables, operation_name=None, plan=plan
            )
            bill = standing.bill(None) if plan is None else plan.bill
            cost = Cost(bill.estimate(variables), bill.actual(result.data))
            response = await self._respond(result, context, caller, cost)
            return replace(response, way=way), context.report
        finally:
            context.close()

    def find(
        self, request: GraphQLRequest, caller: Caller, *, is_read_only: bool
    ) -> Response | None:
        """The answer of `run`, where it is at hand; None where it is not. Never waits."""
        if self.at_hand is None or self.is_plan_shown or self.is_cost_shown:
            return None
        plan = self.documents.ready_plan(request.query, request.operation_name, request.variables)
        if plan is None:
            return None
        tokens = TokenDesk(self.codec, caller.subject, self.wall_clock)
        viewer, variables = caller.viewer, request.variables
        found = self.at_hand.find(plan, variables, viewer, tokens, caller.token_texts)
        if found is None:
            return None
        return Response(
            found.body,
            found.token,
            etag=found.etag(caller.subject) if is_read_only else None,
            way=found.way,
            operation=plan.operation,
            cost=found.ready.cost,
        )

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
        record: RequestRecord,
    ) -> OperationContext:
        log = record.log
        if log is None and self.is_plan_shown:
            log = CallLog(began_at_s=_now_s())
        call = record.call_context(deadline, log)
        report = ConsistencyReport(token)
        reads = OperationReads(
            model=self.model,
            live=LiveLoader(self.clients, call, caller.viewer),
            report=report,
            deadline=deadline,
            viewer=caller.viewer,
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
        self, result: ExecutionResult, context: OperationContext, caller: Caller, cost: Cost
    ) -> Response:
        sealed = await context.tokens.seal_joined(context.report.token, self.model)
        body: Json = {"data": result.data}
        if result.errors:
            body["errors"] = self._render_all(result.errors, caller)
        consistency = render_consistency(
            context.report, sealed, expired_count=context.tokens.expired_count
        )
        extensions: Json = {"consistency": consistency}
        if context.call.log is not None and self.is_plan_shown:
            extensions["plan"] = render_plan(context.call.log, _now_s())
        if self.is_cost_shown:
            extensions["cost"] = asdict(cost)
        return Response(body | {"extensions": extensions}, sealed)

    def refuse(self, errors: list[GraphQLError], caller: Caller) -> Response:
        """The answer to a document that is not run."""
        match errors[0].original_error:
            case TooMuchAsked(limit=limit):
                self.counts.refused_for(limit)
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
            rendered["locations"] = [at.formatted for at in error.locations]
        if error.path is not None:
            rendered["path"] = error.path
        rendered["extensions"] = told.extensions
        return rendered


def _require_runnable(of: OperationType | None, *, is_read_only: bool) -> None:
    """Raises `RequestRefused` for what is not run at once, or not by GET."""
    if of is OperationType.SUBSCRIPTION:
        message = "follow it by Accept: text/event-stream, or over a WebSocket"
        raise RequestRefused(HTTPStatus.NOT_ACCEPTABLE, ErrorCode.BAD_REQUEST, message)
    if is_read_only and of not in (OperationType.QUERY, None):
        raise RequestRefused(
            HTTPStatus.METHOD_NOT_ALLOWED,
            ErrorCode.BAD_REQUEST,
            "only queries can be sent by GET",
            headers=((b"allow", b"POST"),),
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _is_refused(result: ExecutionResult) -> bool:
    """Was nothing run, for want of the operation or a variable? Errors of fields have a path."""
    return result.data is None and all(error.path is None for error in result.errors or ())
