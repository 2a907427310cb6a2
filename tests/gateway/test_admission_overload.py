"""A gateway at three times its capacity, as a small world of its own: with the door, and without.

The loop of the model does what the real one does: in each turn it takes in what has come, and works
on what has begun for as long as an operation takes. Refusals take a fiftieth of that. An answer is
good if it comes within the client's patience.
"""

from collections import deque
from dataclasses import dataclass, field

import pytest

from gateway.admission.lanes import Lane
from gateway.admission.options import AdmissionOptions
from gateway.admission.queue import AdmissionQueue, Overload, Ticket

OPERATION_S = 0.002
REFUSAL_S = OPERATION_S / 50
CAPACITY = 1 / OPERATION_S
PATIENCE_S = 1.0
OVERLOAD_S = 10.0
CALM_S = 5.0


@dataclass
class Account:
    """When each request came, and what became of it: answers and refusals with their delay (s)."""

    answered: list[tuple[float, float]] = field(default_factory=list)
    refused: list[tuple[float, float]] = field(default_factory=list)

    def goodput(self, begin_s: float, end_s: float) -> float:
        """Answers in time, a second, to what came in between."""
        good = [
            came_s
            for came_s, late_s in self.answered
            if begin_s <= came_s < end_s and late_s <= PATIENCE_S
        ]
        return len(good) / (end_s - begin_s)


def arrivals(rate: float, begin_s: float, end_s: float) -> list[float]:
    return [begin_s + number / rate for number in range(round((end_s - begin_s) * rate))]


def serve_behind_a_door(coming: list[float]) -> Account:
    """The model with the door: one begins in each turn, the others wait or are refused."""
    queue, account, due = AdmissionQueue(AdmissionOptions()), Account(), deque(coming)
    now_s, running = 0.0, deque[Ticket]()
    while due or running or queue.waiting_count:
        if not running and not queue.waiting_count and due:
            now_s = max(now_s, due[0])
        while due and due[0] <= now_s:
            came_s = due.popleft()
            match queue.arrive(Lane.READ, now_s, came_s + 2.0):
                case Overload():
                    now_s += REFUSAL_S
                    account.refused.append((came_s, now_s - came_s))
                case ticket:
                    running.extend([ticket] if ticket.has_begun else [])
        while running:
            now_s += OPERATION_S
            done = running.popleft()
            queue.leave(done)
            account.answered.append((done.arrived_at_s, now_s - done.arrived_at_s))
        running.extend(queue.turn(now_s, OPERATION_S))
        now_s += REFUSAL_S
    return account


def serve_without_a_door(coming: list[float]) -> Account:
    """The control: whoever comes is served, in order, however late that is."""
    account, now_s = Account(), 0.0
    for came_s in coming:
        now_s = max(now_s, came_s) + OPERATION_S
        account.answered.append((came_s, now_s - came_s))
    return account


OVERLOADED = [
    *arrivals(3 * CAPACITY, 0.0, OVERLOAD_S),
    *arrivals(CAPACITY / 2, OVERLOAD_S, OVERLOAD_S + CALM_S),
]


def test_goodput_stays_at_three_times_the_capacity() -> None:
    """Nine tenths of what can be served are served in time, from the first second to the last."""
    account = serve_behind_a_door(OVERLOADED)

    for second in range(int(OVERLOAD_S)):
        assert account.goodput(second, second + 1) >= 0.9 * CAPACITY


def test_refusals_are_quick_and_answers_are_not_late() -> None:
    """Who is refused knows at once; who is let in waits for half a second."""
    account = serve_behind_a_door(OVERLOADED)

    assert len(account.answered) + len(account.refused) == len(OVERLOADED)
    assert max(late_s for _, late_s in account.refused) <= 0.01
    assert max(late_s for _, late_s in account.answered) <= 0.55


def test_everything_is_normal_when_the_load_is() -> None:
    """Nobody is refused after the overload, and a second and a half later nobody has to wait."""
    account = serve_behind_a_door(OVERLOADED)

    assert max(came_s for came_s, _ in account.refused) < OVERLOAD_S + 0.1
    late = [late_s for came_s, late_s in account.answered if came_s > OVERLOAD_S + 1.5]
    assert max(late) <= 2 * OPERATION_S


def test_a_load_that_can_be_served_is_served_whole() -> None:
    """At nine tenths of the capacity nobody is refused."""
    account = serve_behind_a_door(arrivals(0.9 * CAPACITY, 0.0, OVERLOAD_S))

    assert account.refused == []
    assert account.goodput(0.0, OVERLOAD_S) == pytest.approx(0.9 * CAPACITY)


def test_control_without_a_door_everybody_is_late() -> None:
    """Goodput collapses after the first second, and the calm after it is spent on the past."""
    account = serve_without_a_door(OVERLOADED)

    assert account.goodput(1.0, OVERLOAD_S) == 0
    assert account.goodput(OVERLOAD_S, OVERLOAD_S + CALM_S) == 0
