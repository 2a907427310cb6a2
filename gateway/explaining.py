"""`bff explain`: a query taken as the door takes it, and told instead of run. No network.

The rule: what is told is what would be asked, because the same resolvers read the query; only the
reads are on paper. So its limits, its validation and its refusals are those of the gateway too.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from gateway.execution.collecting import Unplannable, settled
from gateway.execution.document import Document
from gateway.execution.documents import DocumentRefused, Documents
from gateway.execution.executor import Executor
from gateway.execution.graphql_schema import graphql_schema_of
from gateway.execution.plan import Plan
from gateway.settings import Settings
from projections.selection import PageKey
from projections.token_codec import (
    MAC_BYTES,
    Invalid,
    InvalidReason,
    Opened,
    TokenCodec,
    TokenKeys,
    TokenVerdict,
    disarm,
)
from projections.token_parsing import parse_body
from projections.versions import AggregateKey
from resolvers.answer import (
    Absent,
    Answer,
    Component,
    Failed,
    FoundPage,
    Provenance,
    Reason,
    Source,
)
from resolvers.context import OperationContext
from resolvers.errors import ResolverError
from resolvers.explaining import Circumstances, Part, parts_of
from resolvers.loaders import Clients
from resolvers.read_request import ReadRequest
from resolvers.report import ConsistencyReport
from resolvers.schema import build_schema
from resolvers.tokens import TokenDesk
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.orders import OrdersClient
from resolvers.upstream.products import ProductsClient
from resolvers.upstream.transport import Request, Response
from resolvers.viewer import ANYBODY

UNNAMED = "name one of the operations: --operation NAME"
NOTHING = Provenance(Source.PROJECTION, Reason.DEFAULT)

_schema = cache(build_schema)


class ExplanationRefused(Exception):
    """There is nothing to explain; ``problems`` say why, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Question:
    """What `bff explain` was given."""

    query: str
    variables: Mapping[str, object] = field(default_factory=dict)
    token_texts: Sequence[str] = ()
    operation_name: str | None = None


class UncheckedCodec(TokenCodec):
    """Opens any token without a key: what it would demand is told, and nothing is shown for it."""

    def __init__(self) -> None:
        super().__init__(TokenKeys.ephemeral())

    def open_token(self, text: str, subject: str, now_minute: int) -> TokenVerdict:
        """What this text says, whoever has sealed it for whom, and when."""
        del subject, now_minute
        sealed = disarm(text)
        if isinstance(sealed, InvalidReason):
            return Invalid(sealed)
        body = parse_body(sealed[:-MAC_BYTES])
        if body is None:
            return Invalid(InvalidReason.MALFORMED)
        return Opened(body.token, body.issued_minute, body.key_id)


class _NoRows(dict[AggregateKey, Component]):
    def __missing__(self, key: AggregateKey) -> Component:
        return Absent(NOTHING)


class _NoOrders(dict[PageKey, FoundPage | Failed]):
    def __missing__(self, key: PageKey) -> FoundPage:
        return FoundPage((), has_more=False, provenance=NOTHING)


@dataclass(slots=True)
class ReadsOnPaper:
    """Notes what is read, and finds nothing."""

    requests: list[ReadRequest] = field(default_factory=list)

    async def read(self, request: ReadRequest) -> Answer:
        """An answer in which nothing is there."""
        self.requests.append(request)
        return Answer(_NoRows(), _NoOrders())

    async def read_all(self, requests: Sequence[ReadRequest]) -> list[Answer]:
        """As many of those."""
        return [await self.read(request) for request in requests]

    def forget(self) -> None:
        """Nothing was remembered."""

    def close(self) -> None:
        """Nothing is open."""


class NoWire:
    """A transport that nothing is ever sent over."""

    async def send(self, request: Request) -> Response:
        raise AssertionError(f"{request.told} was to be explained, not asked")

    async def aclose(self) -> None:
        """Nothing is open."""


async def explain(question: Question, settings: Settings) -> list[Part]:
    """Everything that the query would need, by wave. Raises `ExplanationRefused`."""
    document = _read(question, settings)
    _require_query(document, question.operation_name)
    reads = ReadsOnPaper()
    executed = await Executor(_schema()).run(
        document,
        _context(document, question, reads),
        variables=dict(question.variables),
        operation_name=question.operation_name,
    )
    if errors := executed.result.errors:
        raise ExplanationRefused([_told(error) for error in errors])
    circumstances = circumstances_of(settings)
    parts = [
        part
        for request in reads.requests
        for part in parts_of(request.name, request.root, request.demand, circumstances)
    ]
    return sorted(parts, key=lambda part: part.wave)


def code_of(question: Question, settings: Settings) -> str:
    """The code that is written for the query, or why none is. Raises `ExplanationRefused`."""
    document = _read(question, settings)
    operation = document.operation(question.operation_name)
    if operation is None:
        raise ExplanationRefused([UNNAMED])
    values = document.condition_values(question.variables)
    conditions = settled(operation, document.conditions or (), values)
    try:
        if document.conditions is None or conditions is None:
            raise Unplannable("a directive whose condition is no boolean")
        return Plan.compile(_schema(), document.node, operation, conditions).source
    except Unplannable as reason:
        return f"graphql-core runs it: {reason}"


def _read(question: Question, settings: Settings) -> Document:
    """The query as the door takes it. Raises `ExplanationRefused`."""
    documents = Documents(
        graphql_schema_of(_schema()),
        token_limit=settings.query_token_limit,
        limits=settings.document_limits(),
        is_introspection_on=True,
    )
    try:
        return documents.read(question.query, question.variables)
    except DocumentRefused as refused:
        raise ExplanationRefused([_told(error) for error in refused.errors]) from refused


def circumstances_of(settings: Settings) -> Circumstances:
    """What of the settings a plan depends on."""
    return Circumstances(
        has_projection=settings.events != "none",
        is_guessing=settings.guess_ahead,
        wait_cap_s=settings.wait_cap_ms / 1000,
        stale_if_error_s=settings.stale_if_error_s,
        staleness_budgets_s=settings.staleness_budgets_s,
    )


def _require_query(document: Document, operation_name: str | None) -> None:
    operation_type = document.operation_type(operation_name)
    if operation_type is None:
        raise ExplanationRefused([UNNAMED])
    if operation_type.value != "query":
        told = "only queries are explained: a mutation asks its owner once, then reads like a query"
        raise ExplanationRefused([told])


def _context(document: Document, question: Question, reads: ReadsOnPaper) -> OperationContext:
    desk = TokenDesk(UncheckedCodec(), ANYBODY.subject, time.time)
    try:
        token = desk.open_all(list(question.token_texts), "--token")
    except ResolverError as error:
        raise ExplanationRefused([str(error)]) from error
    return OperationContext(
        clients=_clients(),
        model=None,
        call=CallContext(Deadline.after(1.0), "explained"),
        viewer=ANYBODY,
        reads=reads,
        report=ConsistencyReport(token),
        tokens=desk,
        token=token,
        fragments=document.fragments,
    )


def _clients() -> Clients:
    """Clients of services that are nowhere."""
    options = UpstreamOptions(base_url="http://nowhere")
    orders, customers, products = (
        Upstream(service, options, transport=NoWire())
        for service in ("orders", "customers", "products")
    )
    return Clients(OrdersClient(orders), CustomersClient(customers), ProductsClient(products))


def _told(error: Exception) -> str:
    """An error of the query in one line, with the place it means."""
    places = getattr(error, "locations", None) or ()
    where = ", ".join(f"line {place.line}, column {place.column}" for place in places)
    message = str(getattr(error, "message", error))
    return f"{where}: {message}" if where else message
