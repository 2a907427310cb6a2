"""Many readers of the same rows at once, through loaders and tower, over a service in trouble."""

import asyncio

import httpx
import pytest

from projections.versions import Version
from resolvers.answer import Failed
from resolvers.loaders import LiveRow
from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from resolvers.upstream.live_demand import LiveDemand
from resolvers.upstream.options import SharingOptions
from resolvers.upstream.transport import CallKind
from tests.builders.rows import product_key
from tests.faults.misbehaviour import answering, hanging, misbehave, slow_down
from tests.faults.shared_process import SHARING, open_process
from tests.gateway_in_process import now_s, own, pass_time
from tests.resolvers.rows import CUSTOMER, LAMP, MUG, ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

ALONE = LiveDemand()
BROKEN = answering(httpx.Response(500))


class TestStampede:
    async def test_five_hundred_readers_of_a_cold_row_are_one_call(self) -> None:
        """However many open the same order at once, its owner is asked for it once."""
        async with open_process(*SHOP) as process:
            slow_down(process.twins, "orders", 0.2)

            told = await process.read_at_once(500, ORDER.key)

            assert told == [[ORDER]] * 500
            assert process.calls == ["GET /orders/o-1"]

    async def test_unshared_they_fill_the_bulkhead(self) -> None:
        """The control: without sharing, what does not fit into places and queue is refused."""
        async with open_process(*SHOP, is_shared=False) as process:
            slow_down(process.twins, "orders", 0.01)

            told = await process.read_at_once(500, ORDER.key)

            assert errors_of(told) == [BulkheadFull] * (500 - 16 - 256)

    async def test_for_a_moment_after_the_landing_nobody_asks_again(self) -> None:
        """Half a second from the question on, readers who may share are served from memory."""
        async with open_process(*SHOP) as process:
            await process.read(ORDER.key)
            await pass_time(0.4)
            await process.read_at_once(100, ORDER.key)
            calls_while_fresh = len(process.calls)
            await pass_time(0.2)
            await process.read_at_once(100, ORDER.key)

            assert (calls_while_fresh, len(process.calls)) == (1, 2)

    async def test_control_where_nothing_is_kept_every_crowd_is_a_call(self) -> None:
        """The control: without freshness readers who come one after the other ask each anew."""
        sharing = SharingOptions(fresh_s=0, absent_fresh_s=0, while_revalidate_s=0)
        async with open_process(*SHOP, sharing=sharing) as process:
            for _ in range(10):
                await process.read_at_once(10, ORDER.key)
                await pass_time(0.04)

            assert len(process.calls) == 10

    async def test_batches_leave_out_what_is_on_its_way(self) -> None:
        """Two pages that show the lamp ask for it once, and each for the rest of its own."""
        async with open_process(*SHOP) as process:
            slow_down(process.twins, "products", 0.2)
            first = process.reader(LAMP.key)
            await pass_time(0.1)

            told = await process.read(LAMP.key, MUG.key)

            assert (await first, told) == ([LAMP], [LAMP, MUG])
            assert process.calls == ["GET /products?ids=p-1", "GET /products?ids=p-2"]


class TestAServiceInTrouble:
    async def test_when_all_readers_have_left_the_place_is_free(self) -> None:
        """The last to leave takes the call off the wire: the next one has its place at once."""
        async with open_process(*SHOP, in_flight_limit=1) as process:
            healthy = process.twins.orders.side_effect
            misbehave(process.twins, "orders", hanging)
            readers = [process.reader(ORDER.key) for _ in range(3)]
            await pass_time(0.3)
            for reader in readers:
                reader.cancel()
            await asyncio.wait(readers)
            process.twins.orders.mock(side_effect=healthy)

            assert await process.read(ORDER.key) == [ORDER]
            assert now_s() == pytest.approx(0.3)

    async def test_a_leader_who_leaves_takes_nothing_from_her_joiners(self) -> None:
        """The request that began the call is gone; the other one is answered by that call."""
        async with open_process(*SHOP) as process:
            slow_down(process.twins, "orders", 0.2)
            leader = process.reader(ORDER.key)
            await pass_time(0.05)
            joiner = process.reader(ORDER.key)
            await pass_time(0.05)
            leader.cancel()

            assert await joiner == [ORDER]
            assert process.calls == ["GET /orders/o-1"]

    async def test_a_shared_failure_is_one_vote(self) -> None:
        """Fifty readers of a hanging service are one failed call: no reason to open a circuit."""
        async with open_process(*SHOP) as process:
            misbehave(process.twins, "orders", hanging)

            told = await process.read_at_once(50, ORDER.key)

            assert errors_of(told) == [UpstreamTimeout] * 50
            assert len(process.calls) == 1
            assert process.upstreams["orders"].circuit_states[CallKind.READ] is CircuitState.CLOSED

    @pytest.mark.parametrize(
        ("hanging_count", "heard", "heard_at_s"),
        [(5, CircuitOpen, 0.6), (4, UpstreamTimeout, 1.0)],
        ids=["open", "control: closed"],
    )
    async def test_behind_an_open_circuit_nobody_joins_a_call_that_hangs(
        self, hanging_count: int, heard: type[UpstreamError], heard_at_s: float
    ) -> None:
        """Who asks after the circuit has opened is told at once, though a call is on its way."""
        async with open_process(*SHOP) as process:
            misbehave(process.twins, "products", hanging)
            process.reader(LAMP.key)
            for number in range(1, hanging_count):
                process.reader(product_key(f"p-9{number}"))
            await pass_time(0.6)

            told = await process.read(LAMP.key)

            assert errors_of([told]) == [heard]
            assert now_s() == pytest.approx(heard_at_s)

    async def test_a_failure_is_not_kept(self) -> None:
        """Readers of a broken service hear of it together; once it is back, it is asked again."""
        async with open_process(*SHOP) as process:
            healthy = process.twins.customers.side_effect
            misbehave(process.twins, "customers", BROKEN)
            told = await process.read_at_once(20, CUSTOMER.key)
            process.twins.customers.mock(side_effect=healthy)

            assert errors_of(told) == [UpstreamUnavailable] * 20
            assert await process.read(CUSTOMER.key) == [CUSTOMER]
            assert len(process.calls) == 2

    async def test_a_slow_type_holds_up_nobody_who_asks_for_another(self) -> None:
        """Two readers of one operation: the order is there while the products hang."""
        async with open_process(*SHOP) as process:
            misbehave(process.twins, "products", hanging)
            loader = process.operation()
            slow = process.group.create_task(loader.load_rows({LAMP.key: SHARING}))

            rows = await loader.load_rows({ORDER.key: SHARING})

            assert rows == {ORDER.key: ORDER}
            assert now_s() == 0.0
            await slow


class TestReadYourWrites:
    async def test_a_writer_is_never_shown_what_was_asked_before_she_wrote(self) -> None:
        """A stranger's slow read is under way; her write and her read of it are told apart."""
        async with open_process(*SHOP) as process:
            slow_down(process.twins, "orders", 0.2)
            stranger = process.reader(ORDER.key)
            await pass_time(0.1)
            written = changed(ORDER, note="Ring")
            own(process.twins, written)

            told = await process.read(ORDER.key, demand=LiveDemand(written.at, may_share=True))

            assert told == [written]
            assert (await stranger) in ([ORDER], [written])

    async def test_a_write_here_covers_its_own_demand(self) -> None:
        """What the owner answered to the write is the answer to the read after it: no call."""
        async with open_process(*SHOP) as process:
            written = changed(ORDER, note="Ring")
            own(process.twins, written)
            assert process.clients.shared is not None
            await process.clients.shared.put_newer(written)

            told = await process.read(ORDER.key, demand=LiveDemand(written.at, may_share=True))

            assert told == [written]
            assert process.calls == []

    async def test_readers_of_a_version_that_no_replica_has_insist_together(self) -> None:
        """Fifty demands ahead of the owner are four calls: the leader's two, the joiners' two.

        The leader has asked for herself. The others had joined, so they ask once more, together,
        and only then insist.
        """
        async with open_process(*SHOP) as process:
            ahead = LiveDemand(Version(1, 9), may_share=True)

            readers = [process.reader(CUSTOMER.key, demand=ahead) for _ in range(50)]
            told = [await reader for reader in readers]

            assert told == [[CUSTOMER]] * 50
            assert sorted(process.calls) == [
                *["GET /customers/c-1"] * 2,
                *["GET /customers?ids=c-1"] * 2,
            ]

    async def test_who_asks_for_the_owners_word_gets_it(self) -> None:
        """A kept answer and a flight under way are nothing to a reader who may not share."""
        async with open_process(*SHOP) as process:
            await process.read(ORDER.key)
            written = changed(ORDER, note="Ring")
            own(process.twins, written)

            assert await process.read(ORDER.key, demand=ALONE) == [written]


class TestOperations:
    async def test_an_operation_asks_once_for_what_it_needs_twice(self) -> None:
        """Two waves of one operation that need the same row hear the same of it."""
        async with open_process(*SHOP) as process:
            loader = process.operation()
            await loader.load_rows({ORDER.key: ALONE})
            await loader.load_rows({ORDER.key: ALONE})

            assert process.calls == ["GET /orders/o-1"]

    async def test_after_a_write_an_operation_asks_anew(self) -> None:
        """What was asked before is forgotten, so that the write can be seen."""
        async with open_process(*SHOP) as process:
            loader = process.operation()
            await loader.load_rows({ORDER.key: ALONE})
            loader.forget()
            await loader.load_rows({ORDER.key: ALONE})

            assert process.calls == ["GET /orders/o-1"] * 2

    async def test_an_answer_tells_how_old_it_may_be(self) -> None:
        """A row that was asked for 0.3 s ago was its owner's newest then."""
        async with open_process(*SHOP) as process:
            await process.read(ORDER.key)
            await pass_time(0.3)
            loader = process.operation()

            await loader.load_rows({ORDER.key: SHARING})

            assert now_s() - loader.asked_at_s(ORDER.key) == pytest.approx(0.3)


def errors_of(told: list[list[LiveRow]]) -> list[type[Exception]]:
    """Why readers of one row each were not told of it."""
    return [type(row.error) for [row] in told if isinstance(row, Failed)]
