"""Two parts of a gateway that are made of many: its operations, and the entry to them."""

import time
from collections.abc import Callable

from gateway.admission.door import Door
from gateway.answers_at_hand import AnswersAtHand
from gateway.client_limits import ClientLimits
from gateway.entry import Entry
from gateway.execution.documents import Documents
from gateway.execution.executor import Executor
from gateway.execution.graphql_schema import graphql_schema_of
from gateway.execution.plans import PlanMaker
from gateway.identity.desk import IdentityDesk
from gateway.known_documents import KnownDocuments
from gateway.operation import Operations
from gateway.replies import Forms
from gateway.settings import Settings
from gateway.telemetry import Telemetry
from gateway.telling import Teller
from gateway.watching import Watching
from gateway.web.compression import Compression
from gateway.web.origins import Origins
from gateway.witness import Witness
from projections.token_codec import TokenCodec, TokenKeys
from resolvers.loaders import Clients
from resolvers.read_model import ReadModel
from resolvers.schema import Schema


def make_operations(
    settings: Settings,
    schema: Schema,
    keys: TokenKeys,
    *,
    clients: Clients,
    model: ReadModel | None,
    telemetry: Telemetry,
    wall_clock: Callable[[], float],
) -> Operations:
    """What runs operations. ``model`` is None where there is no projection."""
    return Operations(
        documents=Documents(
            graphql_schema_of(schema),
            token_limit=settings.query_token_limit,
            limits=settings.document_limits(),
            is_introspection_on=settings.introspection,
            maker=PlanMaker(schema, time.monotonic),
        ),
        executor=Executor(schema),
        clients=clients,
        model=model,
        codec=TokenCodec(keys, lifetime_minutes=settings.token_lifetime_min),
        read_options=settings.read_options(),
        request_timeout_s=settings.request_timeout_s,
        telemetry=telemetry,
        is_plan_shown=settings.plan,
        is_cost_shown=settings.cost_shown,
        wall_clock=wall_clock,
        at_hand=None if model is None else _at_hand(settings, model, wall_clock),
    )


def make_entry(
    settings: Settings,
    operations: Operations,
    *,
    door: Door,
    identity: IdentityDesk,
    limits: ClientLimits,
    watching: Watching,
) -> Entry:
    """What they meet on their way in."""
    forms = Forms(
        compression=Compression(settings.compression_options()),
        origins=Origins(settings.listed_origins),
    )
    return Entry(
        operations=operations,
        door=door,
        identity=identity,
        limits=limits,
        known=KnownDocuments(settings.read_documents(), settings.document_options()),
        teller=Teller(operations.counts, Witness(watching.lines, watching.traces), forms),
    )


def _at_hand(
    settings: Settings, model: ReadModel, wall_clock: Callable[[], float]
) -> AnswersAtHand:
    return AnswersAtHand(
        model,
        limit_bytes=settings.ready_answers_mb * 1_000_000,
        budgets_s=settings.staleness_budgets_s,
        wall_clock=wall_clock,
    )
