"""What is kept of a deadline for going live: as much as that takes here."""

import httpx
import pytest

from projections.selection import CustomerSelection, OrderRoot, OrderSelection
from projections.token import EMPTY_TOKEN
from projections.versions import Version
from resolvers.demand import Live
from resolvers.live_pace import CEILING_S, FLOOR_S, LEAST_SAMPLE_COUNT, SAMPLE_COUNT, LivePace
from tests.faults.misbehaviour import answering, misbehave, slow_down
from tests.gateway_in_process import open_gateway, twins_of
from tests.resolvers.operations import customer_root, operation_on
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP

UNKNOWN_S = 0.5
NOTHING = EMPTY_TOKEN
ORDER_AND_CUSTOMER = OrderRoot("o-1", OrderSelection(customer=CustomerSelection()))


def pace_of(*took_s: float) -> LivePace:
    pace = LivePace()
    for each_s in took_s:
        pace.note(each_s)
    return pace


def reserve_s(pace: LivePace) -> float:
    return pace.reserve_s(until_known_s=UNKNOWN_S)


def test_few_answers_tell_nothing() -> None:
    """Until there are twenty the default holds, however fast or slow they were."""
    fast = pace_of(*[0.03] * (LEAST_SAMPLE_COUNT - 1))
    before = reserve_s(fast)

    fast.note(0.03)

    assert (before, reserve_s(fast)) == (UNKNOWN_S, 0.03)


def test_ninety_five_of_a_hundred_answers_would_have_been_in_time() -> None:
    """Five slow ones of a hundred change nothing; the sixth does."""
    five_slow = pace_of(*[0.9] * 5, *[0.1] * 95)
    six_slow = pace_of(*[0.9] * 6, *[0.1] * 94)

    assert (reserve_s(five_slow), reserve_s(six_slow)) == (0.1, 0.9)


@pytest.mark.parametrize(("took_s", "kept_s"), [(0.0, FLOOR_S), (0.3, 0.3), (60.0, CEILING_S)])
def test_no_more_and_no_less_is_kept_than_makes_sense(took_s: float, kept_s: float) -> None:
    """A call has costs of its own; and where owners take for ever, waiting is the better chance."""
    assert reserve_s(pace_of(*[took_s] * SAMPLE_COUNT)) == kept_s


def test_slow_times_are_forgotten() -> None:
    """Only the last hundred answers count, so the reserve follows the owners down as well as up."""
    pace = pace_of(*[0.8] * SAMPLE_COUNT)
    slow_s = reserve_s(pace)

    for _ in range(SAMPLE_COUNT):
        pace.note(0.05)

    assert (slow_s, reserve_s(pace)) == (0.8, 0.05)


@pytest.mark.steered_time
class TestReads:
    async def test_reads_that_went_live_tell_the_pace(self) -> None:
        """As long as the whole of a read's calls took: the order, and then its customer."""
        twins, pace = twins_of(*SHOP), LivePace()
        async with open_gateway(twins, guess_ahead=False) as bff:
            slow_down(twins, "orders", 0.1)
            slow_down(twins, "customers", 0.2)

            for _ in range(LEAST_SAMPLE_COUNT):
                await operation_on(bff, pace=pace).read(ORDER_AND_CUSTOMER, NOTHING, Live())

        assert reserve_s(pace) == pytest.approx(0.3)

    async def test_reads_from_the_projection_tell_nothing(self) -> None:
        """They would make every owner look fast."""
        pace = LivePace()
        async with open_gateway(twins_of(*SHOP)) as bff:
            for _ in range(LEAST_SAMPLE_COUNT):
                await operation_on(bff, pace=pace).read(ORDER_AND_CUSTOMER, NOTHING)

        assert reserve_s(pace) == UNKNOWN_S

    async def test_writes_tell_nothing(self) -> None:
        """An owner's answer to the write is at hand before its payload is read."""
        pace = LivePace()
        async with open_gateway(twins_of(*SHOP)) as bff:
            for _ in range(LEAST_SAMPLE_COUNT):
                operation = operation_on(bff, pace=pace)
                await operation.read(ORDER_AND_CUSTOMER, NOTHING, written=ORDER)

        assert reserve_s(pace) == UNKNOWN_S

    async def test_failures_tell_nothing(self) -> None:
        """An owner that refuses is not fast; for one that hangs no time need be kept."""
        twins, pace = twins_of(*SHOP), LivePace()
        async with open_gateway(twins) as bff:
            misbehave(twins, "customers", answering(httpx.Response(503)))
            for _ in range(LEAST_SAMPLE_COUNT):
                await operation_on(bff, pace=pace).read(customer_root(), NOTHING, Live())

        assert reserve_s(pace) == UNKNOWN_S

    @pytest.mark.parametrize(
        ("took_s", "time_left_s", "waited_s"),
        [(None, 0.4, 0.0), (0.3, 0.4, 0.1), (0.05, 0.4, 0.25), (0.3, 0.2, 0.0), (0.3, 2.0, 0.25)],
    )
    async def test_wait_leaves_the_deadline_what_going_live_takes(
        self, took_s: float | None, time_left_s: float, waited_s: float
    ) -> None:
        """What is known of the owners decides, where little time is left, how long a read waits."""
        pace = LivePace() if took_s is None else pace_of(*[took_s] * SAMPLE_COUNT)
        async with open_gateway(twins_of(*SHOP)) as bff:
            operation = operation_on(bff, timeout_s=time_left_s, pace=pace)

            await operation.read(customer_root(), {CUSTOMER.key: Version(1, 99)})

        assert operation.waited_s == pytest.approx(waited_s)
