import asyncio

import pytest

from projections.errors import LeaseLost, RebuildRunning, SourceRefused, StoreUnavailable
from projections.rebuild.lease import LeaseOptions, RebuildLease
from tests.projections.rebuilding import LeaseInMemory

pytestmark = pytest.mark.steered_time

OPTIONS = LeaseOptions(lease_s=15.0, renewal_s=4.0)


async def work_for(duration_s: float) -> str:
    await asyncio.sleep(duration_s)
    return "done"


async def test_lease_is_held_as_long_as_the_work_takes() -> None:
    """Renewed in time it outlasts its length many times over, and is given up at the end."""
    record = LeaseInMemory()
    lease, other = RebuildLease(record, OPTIONS), RebuildLease(record, OPTIONS)

    async with asyncio.TaskGroup() as group:
        working = group.create_task(lease.hold_during(lambda: work_for(100)))
        for _ in range(9):
            await asyncio.sleep(10)
            with pytest.raises(RebuildRunning, match="less than 15 s ago"):
                await other.hold_during(lambda: work_for(0))

    assert working.result() == "done"
    assert await other.hold_during(lambda: work_for(1)) == "done"


async def test_dead_holder_keeps_others_waiting_for_a_lease_at_most() -> None:
    """Who is killed gives nothing up; the lease ends by itself."""
    record = LeaseInMemory()
    assert await record.claim("the dead", OPTIONS.lease_s)

    await asyncio.sleep(OPTIONS.lease_s)

    assert await RebuildLease(record, OPTIONS).hold_during(lambda: work_for(0)) == "done"


async def test_lost_lease_stops_the_work() -> None:
    """Whoever finds somebody else in its place stops, and does not give up what is not his."""
    record = LeaseInMemory()

    async def robbed() -> None:
        record.holder, record.until_s = "somebody else", 1_000
        await asyncio.sleep(100)

    with pytest.raises(LeaseLost):
        await RebuildLease(record, OPTIONS).hold_during(robbed)

    assert record.holder == "somebody else"
    assert asyncio.get_running_loop().time() == pytest.approx(OPTIONS.renewal_s)


class Flaky(LeaseInMemory):
    """A record out of reach from one moment to another."""

    gone_from_s, gone_until_s = 1.0, 12.0

    async def claim(self, holder: str, lease_s: float) -> bool:
        if self.gone_from_s <= asyncio.get_running_loop().time() < self.gone_until_s:
            raise StoreUnavailable("no answer in time")
        return await super().claim(holder, lease_s)


async def test_store_out_of_reach_for_less_than_a_lease_is_survived() -> None:
    """Two renewals that fail do no harm as long as one comes in time."""
    assert await RebuildLease(Flaky(), OPTIONS).hold_during(lambda: work_for(30)) == "done"


async def test_store_out_of_reach_for_a_lease_stops_the_work() -> None:
    """When nobody can say whose the lease is, its holder gives in."""
    record = Flaky()
    record.gone_until_s = 1_000

    with pytest.raises(LeaseLost):
        await RebuildLease(record, OPTIONS).hold_during(lambda: work_for(100))

    assert asyncio.get_running_loop().time() <= OPTIONS.lease_s + OPTIONS.renewal_s


async def test_renewal_that_hangs_does_not_outlast_the_lease() -> None:
    """A store that never answers counts as one that is gone."""

    class Hanging(LeaseInMemory):
        async def claim(self, holder: str, lease_s: float) -> bool:
            if asyncio.get_running_loop().time() > 1:
                await asyncio.sleep(1_000)
            return await super().claim(holder, lease_s)

    with pytest.raises(LeaseLost):
        await RebuildLease(Hanging(), OPTIONS).hold_during(lambda: work_for(100))

    assert asyncio.get_running_loop().time() == pytest.approx(OPTIONS.lease_s)


async def test_failure_of_the_work_comes_out_as_it_is() -> None:
    """The lease wraps nothing around an error, and is given up for the next one."""
    record = LeaseInMemory()

    async def fail() -> None:
        raise SourceRefused("orders", "not let in")

    with pytest.raises(SourceRefused):
        await RebuildLease(record, OPTIONS).hold_during(fail)

    assert record.holder is None


async def test_cancelled_work_gives_the_lease_up() -> None:
    """After Ctrl-C the next rebuild need not wait."""
    record = LeaseInMemory()

    async with asyncio.TaskGroup() as group:
        working = group.create_task(
            RebuildLease(record, OPTIONS).hold_during(lambda: work_for(100))
        )
        await asyncio.sleep(1)
        working.cancel()

    assert record.holder is None
