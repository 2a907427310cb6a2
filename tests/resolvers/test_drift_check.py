import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
from httpx import Response

from projections.events import StateChange
from projections.versions import AggregateType, Version
from projections.views import Row
from resolvers.drift import Behind, Different, DriftReport, Missing, Same, Unchecked
from resolvers.drift_check import DriftCheck, DriftOptions, RowsCompared
from resolvers.loaders import Clients
from tests.builders.applying import apply_next
from tests.builders.rows import (
    batch,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    product_row,
    tombstone,
)
from tests.resolvers.upstream import clients
from tests.sampled_store import SampledMemoryStore

pytestmark = pytest.mark.steered_time

TYPES = tuple(AggregateType)
OPTIONS = DriftOptions(order_count_at_once=2, batch_count=3, lag_grace_s=2.0)


class Comparing:
    """A store, the owners of what should be in it, and a check between them."""

    def __init__(self, owners: clients.Clients) -> None:
        self.owners = owners
        self.store = SampledMemoryStore()
        self.signals: list[RowsCompared] = []
        typed = Clients(owners.orders, owners.customers, owners.products)
        self.check = DriftCheck(self.store, typed, OPTIONS, self.signals.append)

    async def arrive(self, *events: StateChange) -> None:
        for event in events:
            await apply_next(self.store, batch(event, source=event.key.type.source))

    async def hold(self, *rows: Row) -> None:
        await self.arrive(*map(change, rows))

    async def run(self, types: Iterable[AggregateType] = TYPES) -> DriftReport:
        return await self.check.run(tuple(types), 100)


@asynccontextmanager
async def comparing(*rows: Row) -> AsyncIterator[Comparing]:
    """Owners that have these rows, and an empty store."""
    of = {kind: [row for row in rows if row.aggregate_type is kind] for kind in TYPES}
    async with clients.clients_of(
        orders=of[AggregateType.ORDER],  # type: ignore[arg-type]  # parted by type
        customers=of[AggregateType.CUSTOMER],  # type: ignore[arg-type]
        products=of[AggregateType.PRODUCT],  # type: ignore[arg-type]
    ) as owners:
        yield Comparing(owners)


WORLD = (order_row(), customer_row(), product_row())


async def test_projection_that_has_everything_has_not_drifted() -> None:
    """Rows that say what their owners say are the same, each of them looked at once."""
    async with comparing(*WORLD) as house:
        await house.hold(*WORLD)

        report = await house.run()

        assert report.verdicts == tuple(Same(row.key) for row in WORLD)
        assert house.signals[-1] == RowsCompared(3, 3)
        assert house.owners.twins.router.calls.call_count == 3


async def test_row_that_is_only_late_is_no_drift() -> None:
    """A version that arrives within the grace explains why the row was behind."""
    async with comparing(customer_row(version=2)) as house:
        await house.hold(customer_row(version=1))

        async with asyncio.TaskGroup() as group:
            running = group.create_task(house.run())
            await asyncio.sleep(1)
            await house.hold(customer_row(version=2))

        assert running.result().verdicts == (Same(customer_key()),)
        assert asyncio.get_running_loop().time() < OPTIONS.lag_grace_s


async def test_row_that_does_not_arrive_has_drifted() -> None:
    """What is still behind after the grace is drift; the check waits once for all of it."""
    live = [customer_row(f"c-{number}", 2) for number in range(1, 8)]
    async with comparing(*live) as house:
        await house.hold(*(customer_row(f"c-{number}", 1) for number in range(1, 8)))

        report = await house.run()

        assert report.drifted == tuple(Behind(r.key, Version(1, 1), r, False) for r in live)
        assert asyncio.get_running_loop().time() == pytest.approx(OPTIONS.lag_grace_s)


async def test_row_the_projection_has_never_heard_of_is_found_through_an_order() -> None:
    """No sample holds a row that is missing; what sampled orders refer to is asked for too."""
    async with comparing(*WORLD) as house:
        await house.hold(order_row(), customer_row())

        report = await house.run()

        assert report.drifted == (Behind(product_row().key, None, product_row(), False),)


async def test_only_what_was_asked_for_is_compared() -> None:
    """A check of orders asks the order service alone."""
    async with comparing(*WORLD) as house:
        await house.hold(order_row())

        report = await house.run([AggregateType.ORDER])

        assert report.verdicts == (Same(order_key()),)
        assert not house.owners.twins.customers.called
        assert not house.owners.twins.products.called


async def test_owner_that_is_down_leaves_its_rows_unchecked() -> None:
    """One service that does not answer hides nothing about the others, and is no drift."""
    async with comparing(*WORLD) as house:
        await house.hold(*WORLD)
        house.owners.twins.customers.mock(return_value=Response(503))

        report = await house.run()

        assert report.unchecked == (Unchecked(customer_key(), "customers is unavailable"),)
        assert report.drifted == ()


async def test_poisoned_row_is_behind_at_once() -> None:
    """A suspect row is not waited for: its event has come and could not be read."""
    async with comparing(customer_row(version=2)) as house:
        await house.hold(customer_row(version=1))
        await apply_next(house.store, batch(poison(customer_key(), 2), source="customers"))

        [verdict] = (await house.run()).drifted

        assert isinstance(verdict, Behind)
        assert verdict.is_suspect
        assert asyncio.get_running_loop().time() < OPTIONS.lag_grace_s


async def test_repair_heals_what_is_behind_and_nothing_else() -> None:
    """Under the gate rows that are behind become the owner's; different content stays, told."""
    live = [customer_row("c-1", 2), customer_row("c-2", 1), customer_row("c-3", 1)]
    async with comparing(*live[:2]) as house:
        await house.hold(customer_row("c-1", 1), customer_row("c-2", 1, name="Eve"), live[2])
        report = await house.run()

        healed_count = await house.check.repair(report)
        again = await house.run()

        assert healed_count == 1
        assert [type(verdict) for verdict in report.verdicts] == [Behind, Different, Missing]
        assert [type(verdict) for verdict in again.verdicts] == [Same, Different, Missing]


async def test_repair_never_takes_a_row_back() -> None:
    """A row that has moved on since it was compared keeps its newer state."""
    async with comparing(customer_row(version=2)) as house:
        await house.hold(customer_row(version=1))
        report = await house.run()
        await house.hold(customer_row(version=3))

        await house.check.repair(report)

        assert await house.store.versions([customer_key()]) == {customer_key(): Version(1, 3)}


async def test_deletion_on_its_way_is_no_drift() -> None:
    """A row whose owner has deleted it is the same once the tombstone is there."""
    async with comparing() as house:
        await house.hold(customer_row())

        async with asyncio.TaskGroup() as group:
            running = group.create_task(house.run())
            await asyncio.sleep(1)
            await house.arrive(tombstone(customer_key(), 2))

        assert running.result().verdicts == (Same(customer_key()),)


async def test_orders_are_asked_for_a_few_at_a_time() -> None:
    """Orders have no batches, so that many calls are on the wire at once and no more."""
    rows = [order_row(f"o-{number}") for number in range(1, 8)]
    async with comparing(*rows, customer_row(), product_row()) as house:
        await house.hold(*rows, customer_row(), product_row())
        on_the_wire, most = 0, 0
        answer = house.owners.twins.answer_orders

        async def slowly(request: object) -> Response:
            nonlocal on_the_wire, most
            on_the_wire += 1
            most = max(most, on_the_wire)
            await asyncio.sleep(0.1)
            on_the_wire -= 1
            return answer(request)  # type: ignore[arg-type]  # respx hands over httpx's own

        house.owners.twins.orders.mock(side_effect=slowly)

        report = await house.run()

        assert {type(verdict) for verdict in report.verdicts} == {Same}
        assert most == OPTIONS.order_count_at_once
