"""When a circuit has opened, who has waited, and when all is well again: judged from samples."""

import math

from benchmarks.fault_samples import Sample
from benchmarks.strokes import Stroke, percent, waiting

STRUCK_AT_S = 100.0
MENDED_AT_S = 110.0


def whole(at_s: float, *, took_s: float = 0.01) -> Sample:
    return Sample(at_s, took_s, (), ("orders", "customers"))


def failed(at_s: float, *, took_s: float = 0.01) -> Sample:
    return Sample(at_s, took_s, ("UPSTREAM_TIMEOUT",), ("orders",))


def refused(
    at_s: float, *services: str, took_s: float = 0.01, retry_after_s: float = 5.0
) -> Sample:
    return Sample(at_s, took_s, ("CIRCUIT_OPEN",), (), services or ("customers",), retry_after_s)


def stroke_of(*samples: Sample, services: tuple[str, ...] = ("customers",)) -> Stroke:
    return Stroke(samples, services, STRUCK_AT_S, MENDED_AT_S)


def test_a_circuit_has_opened_when_the_first_refusal_is_heard() -> None:
    """A read that began before and is refused tells the instant at its end."""
    stroke = stroke_of(
        whole(99.0), failed(100.0, took_s=1.0), refused(100.2, took_s=0.5), refused(101.0)
    )

    assert math.isclose(stroke.opened_after_s, 0.7)
    assert stroke.open == [refused(101.0)]


def test_of_two_services_the_later_circuit_counts() -> None:
    """A page waits as long as any of its services is still asked."""
    stroke = stroke_of(
        refused(100.5), refused(101.5, "customers", "products"), services=("customers", "products")
    )

    assert math.isclose(stroke.opened_after_s, 1.51)


def test_a_circuit_that_never_opens_is_told_as_such() -> None:
    """Then it takes for ever, and nothing was read behind it."""
    stroke = stroke_of(whole(99.0), failed(100.0), failed(101.0))

    assert stroke.opened_after_s == math.inf
    assert stroke.open == []
    assert stroke.after(1.0) == [failed(101.0)]


def test_what_was_under_way_at_the_stroke_is_neither_well_nor_struck() -> None:
    """A read counts as well if it had ended, and as struck if it began later."""
    stroke = stroke_of(whole(99.0), whole(99.9, took_s=0.5), failed(100.1), whole(110.1))

    assert stroke.well == [whole(99.0)]
    assert stroke.struck == [failed(100.1)]


def test_recovery_ends_with_the_first_whole_read_after_the_last_bad_one() -> None:
    """One good probe between refusals is not full service yet."""
    stroke = stroke_of(
        refused(111.0, retry_after_s=1.0),
        whole(112.5),
        refused(112.6, retry_after_s=0.5),
        whole(113.2, took_s=0.1),
    )

    assert math.isclose(stroke.whole_after_s, 3.3)
    assert math.isclose(stroke.promised_after_s, 3.11)


def test_without_a_refusal_nothing_was_promised() -> None:
    """Who was never refused need not wait: all is well as soon as the service is."""
    stroke = stroke_of(failed(109.0), whole(110.2))

    assert stroke.promised_after_s == 0.0
    assert math.isclose(stroke.whole_after_s, 0.21)


def test_a_service_that_stays_bad_is_never_whole() -> None:
    """If the last read is a bad one, recovery was not seen."""
    assert stroke_of(refused(111.0)).whole_after_s == math.inf


def test_waiting_is_what_takes_over_a_tenth_of_a_second() -> None:
    """Shares are of all reads; of none at all there is none."""
    reads = [whole(101.0, took_s=0.1), whole(101.0, took_s=0.11), whole(101.0), whole(101.0)]

    assert percent(waiting(reads), reads) == 25.0
    assert percent(0, []) == 0.0
