"""Every wait of a read ends for a reason, and the report tells which, and how long it took.

A customer is demanded at a version that the projection has not heard of yet.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

import pytest

from projections.errors import StoreUnavailable
from projections.selection import CustomerSelection, OrderRoot, OrderSelection
from projections.token import ConsistencyToken
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import STALENESS_BUDGETS_S, CustomerRow, OrderRow
from projections.waiters import WaitEnd, WaiterOptions, Waiters
from resolvers.demand import AtLeast, Bounded, Eventual, Live, Mode
from resolvers.read_model import ReadModel
from resolvers.read_request import ReadOptions
from tests.fickle_store import FickleStore
from tests.gateway_in_process import GatewayInProcess, open_gateway, own, pass_time, twins_of
from tests.projection_by_hand import ProjectionByHand, wall_clock_s
from tests.resolvers.operations import Operation, customer_root, operation_on, stand_at
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

WAIT_CAP_S = 0.25
RENAMED: CustomerRow = changed(CUSTOMER, name="Ada Lovelace")
NOTED: OrderRow = changed(ORDER, note="Ring twice")
KEY = RENAMED.key
DEMANDED = {KEY: RENAMED.at}
ORDER_AND_CUSTOMER = OrderRoot("o-1", OrderSelection(customer=CustomerSelection()))


@pytest.fixture
async def bff() -> AsyncIterator[GatewayInProcess]:
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, RENAMED, NOTED)
        yield bff


def told(operation: Operation) -> tuple[Mapping[WaitEnd, int], float]:
    return operation.waits, operation.waited_s


class TestWait:
    async def test_wait_that_was_not_in_vain(self, bff: GatewayInProcess) -> None:
        """REACHED, after as long as it took the event to come."""
        operation = operation_on(bff)
        async with asyncio.TaskGroup() as group:
            group.create_task(operation.read(customer_root(), DEMANDED))
            await pass_time(0.1)
            await bff.projection.apply(RENAMED)

        assert told(operation) == ({WaitEnd.REACHED: 1}, 0.1)
        assert bff.calls == []

    async def test_wait_in_vain(self, bff: GatewayInProcess) -> None:
        """TIMED_OUT, after the longest wait."""
        operation = operation_on(bff)

        await operation.read(customer_root(), DEMANDED)

        assert told(operation) == ({WaitEnd.TIMED_OUT: 1}, WAIT_CAP_S)
        assert bff.calls == ["GET /customers?ids=c-1"]

    async def test_each_entry_is_told_of(self, bff: GatewayInProcess) -> None:
        """Of two that were waited for together one came and one did not."""
        operation = operation_on(bff)
        async with asyncio.TaskGroup() as group:
            demanded = {KEY: RENAMED.at, NOTED.key: NOTED.at}
            group.create_task(operation.read(ORDER_AND_CUSTOMER, demanded))
            await pass_time(0.1)
            await bff.projection.apply(NOTED)

        assert told(operation) == ({WaitEnd.REACHED: 1, WaitEnd.TIMED_OUT: 1}, WAIT_CAP_S)

    async def test_event_that_is_parked_ends_the_wait(self, bff: GatewayInProcess) -> None:
        """PARKED, in the moment in which it is set aside: it will not come again."""
        operation = operation_on(bff)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(operation.read(customer_root(), DEMANDED))
            await pass_time(0.1)
            await bff.projection.park(KEY)

        assert told(operation) == ({WaitEnd.PARKED: 1}, 0.1)
        assert reading.result().row_of(KEY) == RENAMED
        assert bff.calls == ["GET /customers?ids=c-1"]

    async def test_nothing_missing_is_nothing_to_tell(self, bff: GatewayInProcess) -> None:
        """A token that is reached, or about something else, has no wait that could end."""
        operation = operation_on(bff)

        await operation.read(customer_root(), {KEY: CUSTOMER.at, NOTED.key: NOTED.at})

        assert told(operation) == ({}, 0.0)


class TestNoWait:
    async def test_row_whose_event_was_parked(self, bff: GatewayInProcess) -> None:
        """PARKED: only a later event, or a person, can bring it back."""
        await bff.projection.park(KEY)

        assert await skipped(bff) == {WaitEnd.PARKED: 1}

    async def test_source_whose_proof_is_too_old(self, bff: GatewayInProcess) -> None:
        """STALLED: nobody reads it, or nobody tells, for longer than its staleness budget."""
        await pass_time(STALENESS_BUDGETS_S[AggregateType.CUSTOMER] + 0.1)

        assert await skipped(bff) == {WaitEnd.STALLED: 1}

    async def test_source_with_a_longer_budget_is_waited_for(self, bff: GatewayInProcess) -> None:
        """The control: the budget is that of the read model, and settings may choose it."""
        options = ReadOptions(staleness_budgets_s=dict.fromkeys(AggregateType, 60.0))
        await pass_time(STALENESS_BUDGETS_S[AggregateType.CUSTOMER] + 0.1)
        operation = operation_on(bff, options=options)

        await operation.read(customer_root(), DEMANDED)

        assert told(operation) == ({WaitEnd.TIMED_OUT: 1}, WAIT_CAP_S)

    async def test_source_that_is_being_read_for_the_first_time(
        self, bff: GatewayInProcess
    ) -> None:
        """BUILDING: it may take minutes."""
        await bff.projection.fall_behind(AggregateType.CUSTOMER)

        assert await skipped(bff) == {WaitEnd.BUILDING: 1}

    async def test_source_that_is_behind_by_more_than_there_is_time(
        self, bff: GatewayInProcess
    ) -> None:
        """NOT_WORTH_IT: it was current 0.3 s ago and has events left; the wait would be 0.25 s."""
        await stand_at(bff, AggregateType.CUSTOMER, proven_s_ago=0.3, left_count=500)

        assert await skipped(bff) == {WaitEnd.NOT_WORTH_IT: 1}

    @pytest.mark.parametrize(("proven_s_ago", "left_count"), [(0.2, 500), (0.3, 0), (0.3, None)])
    async def test_source_that_may_bring_it_in_time_is_waited_for(
        self, bff: GatewayInProcess, proven_s_ago: float, left_count: int | None
    ) -> None:
        """The control: it is less far behind, or not behind at all, as far as it tells."""
        await stand_at(
            bff, AggregateType.CUSTOMER, proven_s_ago=proven_s_ago, left_count=left_count
        )
        operation = operation_on(bff)

        await operation.read(customer_root(), DEMANDED)

        assert told(operation) == ({WaitEnd.TIMED_OUT: 1}, WAIT_CAP_S)

    async def test_version_of_an_epoch_that_is_not_here(self, bff: GatewayInProcess) -> None:
        """FOREIGN_EPOCH: its service was restored, or it is another one."""
        assert await skipped(bff, {KEY: Version(2, 1)}) == {WaitEnd.FOREIGN_EPOCH: 1}

    async def test_version_that_its_owner_has_denied(self, bff: GatewayInProcess) -> None:
        """DOUBTED: it costs one wait, and not one with every request."""
        doubted = ConsistencyToken(DEMANDED, doubts={KEY: 9_000_000_000})

        assert await skipped(bff, doubted) == {WaitEnd.DOUBTED: 1}

    async def test_version_that_may_not_be_the_last(self, bff: GatewayInProcess) -> None:
        """UNCERTAIN: what was written after it, only its owner knows."""
        uncertain = ConsistencyToken(DEMANDED, uncertain=frozenset([KEY]))

        assert await skipped(bff, uncertain) == {WaitEnd.UNCERTAIN: 1}

    async def test_doubt_holds_after_a_write_too(self, bff: GatewayInProcess) -> None:
        """What a payload shows beside the written order is as doubtful as before."""
        demanded = {NOTED.key: NOTED.at, **DEMANDED}
        doubted = ConsistencyToken(demanded, doubts={KEY: 9_000_000_000})
        operation = operation_on(bff)

        await operation.read(ORDER_AND_CUSTOMER, doubted, written=NOTED)

        assert told(operation) == ({WaitEnd.DOUBTED: 1}, 0.0)

    async def test_client_that_does_not_want_to_wait(self, bff: GatewayInProcess) -> None:
        """NO_TIME: that is what ``maxWaitMs: 0`` leaves."""
        assert await skipped(bff, mode=AtLeast(0.0)) == {WaitEnd.NO_TIME: 1}

    async def test_deadline_that_is_needed_for_going_live(self, bff: GatewayInProcess) -> None:
        """NO_TIME: half a second is left, and half a second is kept for the owner."""
        assert await skipped(bff, timeout_s=0.5) == {WaitEnd.NO_TIME: 1}

    @pytest.mark.parametrize("mode", [Eventual(), Live()])
    async def test_mode_that_never_waits(self, bff: GatewayInProcess, mode: Mode) -> None:
        """Where nobody would have waited, there is no end to tell."""
        operation = operation_on(bff)

        await operation.read(customer_root(), DEMANDED, mode)

        assert told(operation) == ({}, 0.0)

    async def test_bounded_reads_wait_too(self, bff: GatewayInProcess) -> None:
        """The control: their tokens hold as well."""
        operation = operation_on(bff)

        await operation.read(customer_root(), DEMANDED, Bounded(60.0))

        assert told(operation) == ({WaitEnd.TIMED_OUT: 1}, WAIT_CAP_S)


class StoreThatWillNotLook(FickleStore):
    """Can be read, and cannot be asked for versions."""

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        raise StoreUnavailable(f"gone, with {list(keys)}")


class TestRefused:
    async def test_gateway_in_which_too_many_wait(self, bff: GatewayInProcess) -> None:
        """CROWDED: one more than there are places goes live at once, with what was read already."""
        async with Waiters(bff.store, WaiterOptions(process_limit=1)).open() as waiters:
            over = operation_on(bff, model=ReadModel(bff.store, waiters))
            async with asyncio.TaskGroup() as group:
                unmet = {NOTED.key: NOTED.at}
                group.create_task(waiters.wait_for(unmet, subject="bob", timeout_s=1.0))
                await pass_time(0.1)
                asked_before = bff.store.asked_count
                await over.read(customer_root(), DEMANDED)
                read_count = bff.store.asked_count - asked_before

        assert told(over) == ({WaitEnd.CROWDED: 1}, 0.0)
        assert read_count == 1

    async def test_store_that_cannot_be_asked(self, bff: GatewayInProcess) -> None:
        """STORE_LOST: nobody waits for a store that does not answer."""
        store = StoreThatWillNotLook(wall_clock=wall_clock_s)
        await ProjectionByHand(store).apply(*SHOP)
        async with Waiters(store, WaiterOptions()).open() as waiters:
            operation = operation_on(bff, model=ReadModel(store, waiters))
            await operation.read(customer_root(), DEMANDED)

        assert told(operation) == ({WaitEnd.STORE_LOST: 1}, 0.0)


async def skipped(
    bff: GatewayInProcess,
    token: ConsistencyToken | Mapping[AggregateKey, Version] = DEMANDED,
    mode: Mode | None = None,
    *,
    timeout_s: float = 2.0,
) -> Mapping[WaitEnd, int]:
    """Why a read did not wait for the customer, but asked her owner at once."""
    operation = operation_on(bff, timeout_s=timeout_s)
    began_at_s = asyncio.get_running_loop().time()

    await operation.read(customer_root(), token, mode)

    assert asyncio.get_running_loop().time() == began_at_s
    assert operation.waited_s == 0.0
    assert "GET /customers?ids=c-1" in bff.calls
    return operation.waits
