"""One operation's reads, made as the gateway makes them, with what it reports at hand."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from projections.positions import Partition, SourcePosition
from projections.selection import CustomerRoot, CustomerSelection, Root
from projections.store import EventBatch
from projections.token import ConsistencyToken
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import Row
from projections.waiters import WaitEnd
from resolvers.answer import Answer
from resolvers.demand import AtLeast, Demand, Mode
from resolvers.live_pace import LivePace
from resolvers.loaders import LiveLoader
from resolvers.read_model import ReadModel
from resolvers.read_request import ReadOptions, ReadRequest
from resolvers.reading import OperationReads
from resolvers.report import ConsistencyReport
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.deadline import Deadline
from resolvers.viewer import Viewer
from tests.builders.applying import apply_next
from tests.gateway_in_process import GatewayInProcess
from tests.projection_by_hand import wall_clock_s


@dataclass(frozen=True, slots=True)
class Operation:
    """What one client has asked in one request."""

    reads: OperationReads
    report: ConsistencyReport

    async def read(
        self,
        root: Root,
        token: ConsistencyToken | Mapping[AggregateKey, Version],
        mode: Mode | None = None,
        *,
        written: Row | None = None,
    ) -> Answer:
        """The answer to one root field that demands a token, or just these versions."""
        if not isinstance(token, ConsistencyToken):
            token = ConsistencyToken(token)
        return await self.reads.read(ReadRequest(root, Demand(mode or AtLeast(), token), written))

    @property
    def waits(self) -> dict[WaitEnd, int]:
        return dict(Counter(self.report.waits))

    @property
    def waited_s(self) -> float:
        return round(self.report.waited_s, 6)


def operation_on(
    bff: GatewayInProcess,
    *,
    timeout_s: float = 2.0,
    options: ReadOptions | None = None,
    pace: LivePace | None = None,
    model: ReadModel | None = None,
) -> Operation:
    """An operation of one client; ``model``: with another projection than the gateway's."""
    deadline = Deadline.after(timeout_s)
    report = ConsistencyReport()
    reads = OperationReads(
        model=model or bff.gateway.model,
        live=LiveLoader(bff.gateway.operations.clients, CallContext(deadline, "r-1")),
        report=report,
        deadline=deadline,
        viewer=Viewer("ada"),
        options=options or ReadOptions(),
        pace=pace,
        wall_clock=wall_clock_s,
    )
    return Operation(reads, report)


def customer_root(customer_id: str = "c-1") -> Root:
    return CustomerRoot(customer_id, CustomerSelection())


async def stand_at(
    bff: GatewayInProcess,
    aggregate_type: AggregateType,
    *,
    proven_s_ago: float,
    left_count: int | None,
) -> None:
    """The source turns out to stand there: proven current so long ago, so many events behind."""
    proven_at_s = wall_clock_s() - proven_s_ago
    position = SourcePosition("here", proven_at_s, is_caught_up=True, remaining_count=left_count)
    await apply_next(bff.store, EventBatch(Partition(aggregate_type.source), None, (), position))
