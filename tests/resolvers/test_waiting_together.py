"""The reads of one operation wait together: one budget, one time waited; and all leave together."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from projections.selection import CustomerSelection, OrderRoot, OrderSelection
from projections.views import CustomerRow
from projections.waiters import WaitEnd, WaiterOptions, Waiters
from resolvers.read_model import ReadModel
from tests.gateway_in_process import GatewayInProcess, open_gateway, own, pass_time, twins_of
from tests.resolvers.operations import customer_root, operation_on
from tests.resolvers.rows import CUSTOMER, SHOP, changed

pytestmark = pytest.mark.steered_time

WAIT_CAP_S = 0.25
RENAMED: CustomerRow = changed(CUSTOMER, name="Ada Lovelace")
KEY = RENAMED.key
DEMANDED = {KEY: RENAMED.at}
ORDER_AND_CUSTOMER = OrderRoot("o-1", OrderSelection(customer=CustomerSelection()))


@pytest.fixture
async def bff() -> AsyncIterator[GatewayInProcess]:
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, RENAMED)
        yield bff


async def test_fields_that_miss_the_same_wait_once(bff: GatewayInProcess) -> None:
    """Three fields at once, one of which comes later: one budget, and one time waited."""
    operation = operation_on(bff)
    async with asyncio.TaskGroup() as group:
        group.create_task(operation.read(customer_root(), DEMANDED))
        group.create_task(operation.read(ORDER_AND_CUSTOMER, DEMANDED))
        await pass_time(0.1)
        group.create_task(operation.read(ORDER_AND_CUSTOMER, DEMANDED))
        began_at_s = asyncio.get_running_loop().time()
    took_s = asyncio.get_running_loop().time() - began_at_s

    assert operation.waited_s == WAIT_CAP_S
    assert took_s == pytest.approx(WAIT_CAP_S - 0.1)
    assert operation.waits == {WaitEnd.TIMED_OUT: 2}


async def test_two_tokens_for_one_thing_are_waited_for_until_the_newer(
    bff: GatewayInProcess,
) -> None:
    """The field that asks for less, though last, does not let the other down."""
    married = changed(RENAMED, name="Ada King")
    operation = operation_on(bff)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(operation.read(customer_root(), {KEY: married.at}))
        group.create_task(operation.read(customer_root(), {KEY: RENAMED.at}))
        await pass_time(0.05)
        await bff.projection.apply(RENAMED)
        await pass_time(0.05)
        await bff.projection.apply(married)

    assert reading.result().row_of(KEY) == married
    assert (operation.waited_s, bff.calls) == (0.1, [])


async def test_five_thousand_readers_that_leave_take_their_waits_along(
    bff: GatewayInProcess,
) -> None:
    """Clients that go away leave neither waiters nor tasks behind."""
    async with Waiters(bff.store, WaiterOptions(subject_limit=5_000)).open() as waiters:
        model = ReadModel(bff.store, waiters)
        before = asyncio.all_tasks()
        operations = [operation_on(bff, model=model) for _ in range(5_000)]
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(o.read(customer_root(), DEMANDED)) for o in operations]
            await pass_time(0.1)
            waiting_before = waiters.waiting_count
            for operation, task in zip(operations, reading, strict=True):
                task.cancel()
                operation.reads.close()
        await pass_time(1.0)

        assert (waiting_before, waiters.waiting_count) == (5_000, 0)
        assert asyncio.all_tasks() == before
        assert {operation.waited_s for operation in operations} == {0.1}
