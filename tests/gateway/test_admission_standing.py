"""A line that stands because the loop is busy with what waits for nobody: it moves all the same."""

from gateway.admission.lanes import Lane
from gateway.admission.options import AdmissionOptions
from gateway.admission.queue import AdmissionQueue, Ticket

BUSY_S = 0.003
"""Processor time of a turn that is filled with answers at hand."""


def first_begins_after_s(*, longest_stand_s: float) -> float | None:
    """When one who waits behind nine that wait for a service begins, if the loop is busy so long.

    None: not within a quarter of a second.
    """
    options = AdmissionOptions(longest_stand_s=longest_stand_s, busy_limit=8, pace_floor_s=0.0001)
    queue, now_s = AdmissionQueue(options), 0.0
    for _ in range(9):
        assert isinstance(queue.arrive(Lane.READ, now_s, 2.0), Ticket)
        queue.turn(now_s, 0.0)
    queue.turn(now_s, BUSY_S)
    waiting = queue.arrive(Lane.READ, now_s, 2.0)
    assert isinstance(waiting, Ticket)
    while not waiting.has_begun and now_s < 0.25:
        now_s += BUSY_S
        queue.turn(now_s, BUSY_S)
    return now_s if waiting.has_begun else None


def test_who_waits_begins_though_every_turn_is_long() -> None:
    """After a moment one begins, whatever fills the turns; the control would never begin."""
    begun_after_s = first_begins_after_s(longest_stand_s=0.02)
    without = first_begins_after_s(longest_stand_s=1.0)

    assert begun_after_s is not None
    assert begun_after_s <= 0.02 + BUSY_S
    assert without is None
