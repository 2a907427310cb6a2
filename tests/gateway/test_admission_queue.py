"""The line before the gateway: who begins, who waits, who is refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.lanes import Lane
from gateway.admission.options import AdmissionOptions
from gateway.admission.queue import AdmissionQueue, Overload, Ticket

TURN_S = 0.01
FAR_S = 1_000_000.0


def a_queue(
    *,
    operation_limit: int = 100,
    pace_floor_s: float = TURN_S,
    begin_limit: int = 1,
    busy_limit: int = 16,
) -> AdmissionQueue:
    """One begins in a turn, so that a turn is the pace."""
    options = AdmissionOptions(
        operation_limit=operation_limit,
        pace_floor_s=pace_floor_s,
        begin_limit=begin_limit,
        busy_limit=busy_limit,
        queue_time_s=0.1,
        read_ratio=0.5,
        write_ratio=0.5,
    )
    return AdmissionQueue(options)


def take_in(
    queue: AdmissionQueue, lane: Lane = Lane.READ, *, now_s: float = 0.0, deadline_at_s: float = 2.0
) -> Ticket:
    """The ticket of one who is not refused."""
    ticket = queue.arrive(lane, now_s, deadline_at_s)
    assert isinstance(ticket, Ticket)
    return ticket


def refused_from(queue: AdmissionQueue, lane: Lane, now_s: float) -> int:
    """How many of this lane are taken in at one instant before one is refused."""
    count = 0
    while isinstance(queue.arrive(lane, now_s, FAR_S), Ticket):
        count += 1
    return count


def test_one_begins_at_once_and_the_next_in_the_next_turn() -> None:
    """In each turn of the loop one operation begins, in order of arrival."""
    queue = a_queue()
    first, second, third = (take_in(queue) for _ in range(3))
    begun_at_once = [ticket.has_begun for ticket in (first, second, third)]

    next_one, one_after = queue.turn(TURN_S, 0.0), queue.turn(2 * TURN_S, 0.0)

    assert begun_at_once == [True, False, False]
    assert (next_one, one_after) == ([second], [third])


def test_no_more_begin_in_a_turn_than_may() -> None:
    """However many wait, a few begin in each turn of the loop, whether they had to wait or not."""
    queue = a_queue(begin_limit=3, pace_floor_s=0.001)
    tickets = [take_in(queue) for _ in range(8)]
    begun_at_once = sum(ticket.has_begun for ticket in tickets)

    begun_later = [len(queue.turn(number * TURN_S, 0.0)) for number in (1, 2, 3)]

    assert begun_at_once == 3
    assert begun_later == [3, 2, 0]


def test_writes_begin_before_reads() -> None:
    """A mutation that comes last begins before all queries that wait."""
    queue = a_queue()
    take_in(queue)
    read, write = take_in(queue), take_in(queue, Lane.WRITE)

    begun = [queue.turn(TURN_S, 0.0), queue.turn(2 * TURN_S, 0.0)]

    assert begun == [[write], [read]]


def test_reads_are_refused_while_writes_are_taken_in() -> None:
    """A line of reads that is full has room for writes, which overtake it."""
    queue = a_queue()
    take_in(queue)
    reads = refused_from(queue, Lane.READ, 0.0)

    writes = refused_from(queue, Lane.WRITE, 0.0)

    assert (reads, writes) == (5, 5)


def test_a_refusal_tells_the_wait_there_would_have_been() -> None:
    """The wait is reckoned from those ahead and how long a turn takes."""
    queue = a_queue()
    take_in(queue)
    refused_from(queue, Lane.READ, 0.0)

    refusal = queue.arrive(Lane.READ, 0.0, FAR_S)

    assert isinstance(refusal, Overload)
    assert refusal.expected_wait_s == pytest.approx(0.06)


def test_who_could_not_begin_before_her_deadline_is_refused_at_once() -> None:
    """With three turns to wait and the time of two, there is no use in waiting."""
    queue = a_queue()
    for _ in range(3):
        take_in(queue)

    assert isinstance(queue.arrive(Lane.READ, 0.0, 2 * TURN_S), Overload)
    assert isinstance(queue.arrive(Lane.READ, 0.0, 4 * TURN_S), Ticket)


def test_a_write_may_wait_for_longer_than_a_read() -> None:
    """The line is full for reads when it is not yet for writes."""
    queue = AdmissionQueue(AdmissionOptions(pace_floor_s=0.1))
    take_in(queue)
    refused_from(queue, Lane.READ, 0.0)
    read_count = queue.waiting_count
    refused_from(queue, Lane.WRITE, 0.0)

    assert read_count == 5
    assert queue.waiting_count - read_count == 7


def test_a_line_that_stands_takes_nobody_in() -> None:
    """When nobody begins, new ones are refused as soon as that has lasted for too long."""
    queue = a_queue(operation_limit=1, pace_floor_s=0.000_2)
    take_in(queue)
    take_in(queue)

    assert isinstance(queue.arrive(Lane.READ, 0.04, FAR_S), Ticket)
    assert isinstance(queue.arrive(Lane.READ, 0.06, FAR_S), Overload)


def test_a_slow_line_is_reckoned_by_its_own_pace() -> None:
    """Where places get free every 30 ms, there is no room behind one, however short turns are."""
    queue = a_queue(operation_limit=1, pace_floor_s=0.000_2)
    inside, _, _ = (take_in(queue) for _ in range(3))
    queue.turn(0.0, 0.0)

    queue.leave(inside)
    queue.turn(0.03, 0.0)

    assert queue.waiting_count == 1
    assert refused_from(queue, Lane.READ, 0.03) == 0


def test_a_new_line_is_not_judged_by_an_old_one() -> None:
    """After a line that was slow without end, ten may still come at once."""
    queue = a_queue(operation_limit=1, pace_floor_s=0.001)
    inside, waiting = take_in(queue), take_in(queue)
    queue.turn(0.0, 0.0)
    queue.leave(inside)
    queue.turn(0.09, 0.0)
    queue.leave(waiting)
    queue.turn(0.09, 0.0)
    take_in(queue, now_s=0.1)

    assert refused_from(queue, Lane.READ, 0.1) == 10


def test_nobody_begins_over_the_limit_of_operations() -> None:
    """With all places taken the turn passes; the next answer lets the next one begin."""
    queue = a_queue(operation_limit=1)
    first, second = take_in(queue), take_in(queue)
    passed = queue.turn(TURN_S, 0.0)

    queue.leave(first)

    assert passed == []
    assert queue.is_turn_due
    assert queue.turn(2 * TURN_S, 0.0) == [second]


def test_a_busy_loop_finishes_what_it_has_begun() -> None:
    """Over its limit, one begins when another ends, or after a turn with time to spare."""
    queue = a_queue(begin_limit=100, pace_floor_s=0.000_2)
    inside = [take_in(queue) for _ in range(16)]
    queue.turn(0.001, 0.005)
    waiting = [take_in(queue) for _ in range(3)]

    while_busy = queue.turn(0.002, 0.005)
    queue.leave(inside[0])
    after_an_answer = queue.turn(0.003, 0.005)
    with_time_to_spare = queue.turn(0.004, 0.000_1)

    assert while_busy == []
    assert after_an_answer == waiting[:1]
    assert with_time_to_spare == waiting[1:]


def test_who_has_waited_too_long_does_not_begin() -> None:
    """After a pause of the process the line is not worked off for clients that have given up."""
    queue = a_queue()
    take_in(queue)
    late = take_in(queue)
    fresh = take_in(queue, now_s=0.04)

    begun = queue.turn(0.1, 0.0)

    assert begun == [fresh]
    assert not late.has_begun


def test_who_leaves_is_not_waited_for() -> None:
    """A ticket given back in the line costs the others no turn."""
    queue = a_queue()
    take_in(queue)
    leaver, behind = take_in(queue), take_in(queue)

    queue.leave(leaver)

    assert queue.turn(TURN_S, 0.0) == [behind]


def test_control_with_the_door_off_all_begin_at_once() -> None:
    """Nobody waits and nobody is refused, whatever the limit."""
    queue = AdmissionQueue(AdmissionOptions(is_on=False, operation_limit=1))

    tickets = [take_in(queue) for _ in range(100)]

    assert all(ticket.has_begun for ticket in tickets)
    assert queue.in_flight_count == 100


def test_slow_turns_let_fewer_wait() -> None:
    """The queue is bounded in time: with turns twice as long it is half as long."""
    queue = a_queue()
    now_s = 0.0
    for _ in range(100):
        queue.leave(take_in(queue, now_s=now_s, deadline_at_s=FAR_S))
        now_s += 2 * TURN_S
        queue.turn(now_s, 0.0)
    take_in(queue, now_s=now_s, deadline_at_s=FAR_S)

    assert refused_from(queue, Lane.READ, now_s) == 2


steps = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.sampled_from(Lane), st.floats(0, 1)),
        st.tuples(st.sampled_from(["turn", "leave"]), st.integers(0, 99), st.floats(0, 0.05)),
    ),
    max_size=300,
)


@given(steps, st.integers(1, 5))
def test_the_books_are_right_whatever_happens(
    happenings: list[tuple[str, object, float]], operation_limit: int
) -> None:
    """Nobody begins over the limit, twice or too late; all who come are begun, waiting or gone."""
    queue = a_queue(operation_limit=operation_limit, begin_limit=2)
    here: list[Ticket] = []
    begun: list[Ticket] = []
    now_s = 0.0
    for what, which, amount_s in happenings:
        if what == "arrive":
            assert isinstance(which, Lane)
            ticket = queue.arrive(which, now_s, now_s + amount_s)
            if isinstance(ticket, Ticket):
                here.append(ticket)
        elif what == "turn":
            now_s += amount_s
            for next_one in queue.turn(now_s, 0.0):
                assert next_one not in begun
                assert now_s < next_one.gives_up_at_s
                begun.append(next_one)
        elif here and isinstance(which, int):
            queue.leave(here.pop(which % len(here)))

        assert queue.in_flight_count == sum(ticket.has_begun for ticket in here)
        assert queue.in_flight_count <= operation_limit
        assert queue.waiting_count <= sum(not ticket.has_begun for ticket in here)
    for ticket in here:
        queue.leave(ticket)
    assert (queue.in_flight_count, queue.waiting_count) == (0, 0)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("queue_time_s", lambda: AdmissionOptions(queue_time_s=-1)),
        ("operation_limit", lambda: AdmissionOptions(operation_limit=0)),
        ("pace_weight", lambda: AdmissionOptions(pace_weight=2)),
    ],
)
def test_a_number_out_of_range_is_named(name: str, refused: Callable[[], object]) -> None:
    """A wrong option stops the start with its name and its range."""
    with pytest.raises(ValueError, match=f"{name} must be between"):
        refused()
