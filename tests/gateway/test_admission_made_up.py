"""What is done past the line, refusals above all, is made up to those who wait in it."""

import asyncio
from dataclasses import dataclass

import pytest

from gateway.admission.door import Door
from gateway.admission.lanes import Lane
from gateway.admission.options import AdmissionOptions
from gateway.admission.queue import AdmissionQueue, Ticket
from resolvers.upstream.deadline import Deadline
from tests.resolvers.upstream.builders import let_everybody_run

OPERATION_S = 0.002
CAPACITY = 1 / OPERATION_S
REFUSAL_S = OPERATION_S / 20
RUN_S = 10.0
BUSY_S = 0.005
"""More than is left to spare in a turn."""


def goodput_before_a_crowd(client_count: int, *, made_up_ratio: float) -> float:
    """Answers a second where all who are refused ask again at once, in a model of the loop.

    In each turn everybody who is free asks; then all that has begun is done.
    """
    queue = AdmissionQueue(AdmissionOptions(made_up_ratio=made_up_ratio))
    now_s, answered_count, running = 0.0, 0, list[Ticket]()
    while now_s < RUN_S:
        began_s = now_s
        for _ in range(client_count - queue.waiting_count - len(running)):
            ticket = queue.arrive(Lane.READ, now_s, now_s + 2.0)
            running.extend([ticket] if isinstance(ticket, Ticket) and ticket.has_begun else [])
            now_s += REFUSAL_S
        aside_s, used_s = now_s - began_s, len(running) * OPERATION_S
        now_s += used_s
        answered_count += len(running)
        for done in running:
            queue.leave(done)
        running = queue.turn(now_s, used_s, aside_s)
    return answered_count / RUN_S


@pytest.mark.parametrize("client_count", [300, 500, 1_000])
def test_a_crowd_that_comes_back_at_once_leaves_nearly_half_of_the_time(client_count: int) -> None:
    """However many are refused in a turn, as much is done for those who are not."""
    goodput = goodput_before_a_crowd(client_count, made_up_ratio=1.0)

    assert goodput >= 0.4 * CAPACITY


def test_control_where_nothing_is_made_up_one_begins_in_each_long_turn() -> None:
    """Then the more are refused, the fewer are served."""
    goodput = goodput_before_a_crowd(300, made_up_ratio=0.0)

    assert goodput < 0.1 * CAPACITY


def a_line(*, made_up_ratio: float, waiting_count: int = 40) -> AdmissionQueue:
    """Nine in flight, each of whom had a turn of her own; and so many who wait."""
    queue = AdmissionQueue(AdmissionOptions(busy_limit=8, made_up_ratio=made_up_ratio))
    for _ in range(9):
        queue.arrive(Lane.READ, 0.0, 2.0)
        queue.turn(0.0, 0.0)
    queue.turn(0.0, BUSY_S)
    for _ in range(waiting_count):
        queue.arrive(Lane.READ, 0.0, 2.0)
    assert queue.waiting_count == waiting_count
    return queue


@pytest.mark.parametrize(
    ("ratio", "aside_s", "begun_count"),
    [(2.0, 0.0, 1), (2.0, 0.000_4, 1), (2.0, 0.003, 7), (1.0, 0.003, 4), (0.0, 0.003, 1)],
)
def test_so_many_more_begin_in_the_next_turn(
    ratio: float, aside_s: float, begun_count: int
) -> None:
    """One for each millisecond that is owed to them, whole ones only."""
    queue = a_line(made_up_ratio=ratio)

    assert len(queue.turn(0.004, 0.0, aside_s)) == begun_count


def test_a_turn_that_is_owed_to_them_is_no_long_one() -> None:
    """What they use of what was made up to them keeps nobody from beginning; more does."""
    fair, long = a_line(made_up_ratio=1.0), a_line(made_up_ratio=1.0)
    for queue in (fair, long):
        queue.turn(0.004, 0.0, 0.003)

    assert fair.turn(0.008, 0.0035)
    assert not long.turn(0.008, 0.0045)


def test_what_was_made_up_once_is_not_made_up_again() -> None:
    """A turn without refusals is one like any other."""
    queue = a_line(made_up_ratio=1.0)
    queue.turn(0.004, 0.0, 0.003)

    assert len(queue.turn(0.005, 0.0)) == 1


@pytest.mark.parametrize("later_s", [0.0, 5.0])
def test_what_those_who_wait_do_not_need_is_nobody_elses(later_s: float) -> None:
    """Who comes when the line is empty begins by herself, however much was made up to it."""
    queue = a_line(made_up_ratio=1.0, waiting_count=1)
    queue.turn(0.004, 0.0, 0.030)

    newcomers = [queue.arrive(Lane.READ, 0.004 + later_s, 99.0) for _ in range(30)]

    begun = [one for one in newcomers if isinstance(one, Ticket) and one.has_begun]
    assert not begun


@dataclass
class Processor:
    """The clock of the processor, steered."""

    used_s: float = 1.0

    def thread_time(self) -> float:
        return self.used_s


async def test_the_door_tells_what_was_done_past_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """And counts it not as what those inside have used."""
    processor, told = Processor(), list[tuple[float, float]]()
    turn = AdmissionQueue.turn

    def listen(
        queue: AdmissionQueue, now_s: float, used_s: float, aside_s: float = 0.0
    ) -> list[Ticket]:
        told.append((used_s, aside_s))
        return turn(queue, now_s, used_s, aside_s)

    monkeypatch.setattr(AdmissionQueue, "turn", listen)
    monkeypatch.setattr("gateway.admission.door.time.thread_time", processor.thread_time)
    door = Door(AdmissionOptions(operation_limit=1), observe=lambda _: None)

    async def stay() -> None:
        await asyncio.Event().wait()

    async def be_served() -> None:
        async with door.place(Lane.READ, Deadline.after(2.0), leaving):
            leaving.cancel()

    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(stay())
        async with door.place(Lane.READ, Deadline.after(2.0), leaving):
            group.create_task(be_served())
            await let_everybody_run()
            told.clear()
        with door.overtaking():
            processor.used_s += 0.003
        processor.used_s += 0.002

    assert told[0] == pytest.approx((0.002, 0.003))
