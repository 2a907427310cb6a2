"""One request answered twice over the same world: by its plan, and by graphql-core alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from random import Random

from graphql import ExecutionResult, GraphQLError

from gateway.admission.limits import DocumentLimits
from gateway.consistency_extension import render_consistency
from gateway.execution.arguments import Unproven
from gateway.execution.document import Document
from gateway.execution.documents import DocumentRefused, Documents
from gateway.execution.executor import Executor
from gateway.execution.plan import Plan
from gateway.execution.plans import PlanMaker
from gateway.explaining import NoWire
from projections.token import ConsistencyToken
from projections.versions import AggregateKey, Version
from resolvers.context import OperationContext, TokensAlone
from resolvers.loaders import Clients
from resolvers.read_request import ReadRequest
from resolvers.report import ConsistencyReport
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.orders import OrdersClient
from resolvers.upstream.products import ProductsClient
from resolvers.viewer import ANYBODY
from tests.laws.plans import desk
from tests.laws.plans.drawn_worlds import DrawnReads, World
from tests.laws.plans.written_documents import CORE, SCHEMA

NO_LIMITS = DocumentLimits(
    depth_limit=10_000,
    cost_limit=10**9,
    root_limit=10**9,
    alias_limit=10**9,
    directive_limit=10**9,
    field_limit=10**9,
)
MISSING: tuple[Mapping[AggregateKey, Version], ...] = (
    {},
    {},
    {},
    {key: Version(1, 7) for key in desk.LESS.entries},
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``operation_name`` and ``variables`` as the client sends them."""

    document: Document
    operation_name: str | None
    variables: Mapping[str, object]
    world: World
    token: ConsistencyToken = desk.DEMANDS[0]
    missing: Mapping[AggregateKey, Version] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """All that a client, and what was read for her, can see of an answer."""

    data: str
    errors: list[tuple[object, ...]]
    consistency: str
    report: tuple[object, ...]
    reads: list[tuple[object, ...]]


class WatchedExecutor(Executor):
    """Notes how often graphql-core was asked."""

    referred_count = 0

    async def _refer(
        self,
        document: Document,
        context: OperationContext,
        variables: dict[str, object],
        operation_name: str | None,
    ) -> ExecutionResult:
        self.referred_count += 1
        return await Executor._refer(self, document, context, variables, operation_name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both answers. ``is_planned``: the plan has answered by itself.

    ``breach`` is what the plan has raised beyond its contract, where only it is asked.
    """

    planned: Told
    reference: Told
    is_planned: bool
    breach: Exception | None

    @property
    def differences(self) -> list[str]:
        """What they differ in, by name; nothing, says the law."""
        names = [
            name
            for name in Told.__slots__
            if getattr(self.planned, name) != getattr(self.reference, name)
        ]
        return names if self.breach is None else ["breach", *names]


class House:
    """Documents, their plans and an executor, as long as some requests are asked."""

    def __init__(self) -> None:
        seconds = count(step=1_000)
        self.maker = PlanMaker(SCHEMA, lambda: next(seconds))
        self._documents = Documents(
            CORE,
            token_limit=100_000,
            limits=NO_LIMITS,
            is_introspection_on=True,
            maker=self.maker,
        )
        self._executor = WatchedExecutor(SCHEMA)

    def read(self, text: str) -> Document | None:
        """The document, if it is valid."""
        try:
            return self._documents.read(text, {})
        except DocumentRefused:
            return None

    async def ask(self, asked: Asked) -> Outcome:
        """Both answers."""
        plan = self._documents.plan(asked.document, asked.operation_name, asked.variables)
        before = self._executor.referred_count
        planned = await self._told(asked, plan)
        is_planned = self._executor.referred_count == before
        reference = await self._told(asked, None)
        breach = None if plan is None else _breach(plan, asked)
        return Outcome(planned, reference, is_planned, breach)

    async def _told(self, asked: Asked, plan: Plan | None) -> Told:
        report = ConsistencyReport(asked.token)
        reads = DrawnReads(asked.world, report, asked.missing)
        context = OperationContext(
            clients=_clients(),
            model=None,
            call=CallContext(Deadline.after(60.0), "proved"),
            viewer=ANYBODY,
            reads=reads,
            report=report,
            tokens=desk.desk(),
            token=asked.token,
            fragments=asked.document.fragments,
        )
        result, _ = await self._executor.run(
            asked.document,
            context,
            variables=dict(asked.variables),
            operation_name=asked.operation_name,
            plan=plan,
        )
        return _told(result, context, reads)


def _breach(plan: Plan, asked: Asked) -> Exception | None:
    """What reading the arguments has raised, other than that graphql-core is to judge them."""
    try:
        plan.identity(asked.variables)
        plan.ask(
            asked.variables, TokensAlone(desk.desk(), ConsistencyReport(asked.token), asked.token)
        )
    except Unproven:
        return None
    except Exception as error:  # noqa: BLE001 - told as what it is
        return error
    return None


def _told(result: ExecutionResult, context: OperationContext, reads: DrawnReads) -> Told:
    report = context.report
    sealed = context.tokens.seal_seen(report.token)
    expired_count = context.tokens.expired_count
    consistency = render_consistency(report, sealed, expired_count=expired_count)
    noted = (report.token, report.missing, report.shown, report.omitted_count, report.is_satisfied)
    return Told(
        json.dumps(result.data, default=repr),
        [_error(error) for error in result.errors or ()],
        json.dumps(consistency),
        noted,
        sorted(_read(request, reads.world) for request in reads.requests),
    )


def _error(error: GraphQLError) -> tuple[object, ...]:
    origin = error.original_error
    return error.message, error.path, error.locations, type(origin), str(origin)


def _read(request: ReadRequest, world: World) -> tuple[object, ...]:
    """What a read reaches, and what it demands; not how that was said."""
    answer = world.answer(request)
    keys = sorted(map(repr, (*answer.components, *answer.pages)))
    return request.name, keys, repr(request.demand.mode), repr(request.demand.token)


@cache
def _clients() -> Clients:
    options = UpstreamOptions(base_url="http://nowhere")
    orders, customers, products = (
        Upstream(service, options, transport=NoWire())
        for service in ("orders", "customers", "products")
    )
    return Clients(OrdersClient(orders), CustomersClient(customers), ProductsClient(products))


def drawn_request(
    document: Document,
    operation_name: str | None,
    variables: Mapping[str, object],
    random: Random,
    world: World,
) -> Asked:
    """A request for this operation, with what header and cookie bring."""
    token, missing = random.choice(desk.DEMANDS), random.choice(MISSING)
    return Asked(document, operation_name, variables, world, token, missing)
