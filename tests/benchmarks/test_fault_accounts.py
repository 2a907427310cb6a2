"""What is counted of reads among faults: calls until a circuit opens, and complete pages."""

import pytest

from benchmarks.dead_services import complete, well_parts
from benchmarks.fault_house import SERVICES
from benchmarks.fault_samples import Sample
from benchmarks.opening_circuits import Course
from benchmarks.strokes import Stroke

OPEN = "CIRCUIT_OPEN"


def page(*shown: str, code: str = "") -> Sample:
    return Sample(0.0, 0.01, (code,) if code else (), shown)


def test_calls_are_those_of_the_reads_that_began_in_that_time() -> None:
    """A read that reached the service twice is two calls, one that was refused none."""
    reads = [Sample(99.0 + number, 0.01, (), ()) for number in range(5)]
    course = Course(Stroke(reads, ("customers",), 100.0), calls={0: 1, 1: 1, 2: 2, 4: 1})

    assert course.calls_between(0.0, 2.0) == 3
    assert course.calls_between(2.0, 4.0) == 1


@pytest.mark.parametrize(
    ("shown", "code", "is_complete"),
    [
        (("orders", "products"), OPEN, True),
        (("orders", "products"), "", False),
        (("orders",), OPEN, False),
        (SERVICES, "", True),
    ],
    ids=["all but the dead", "and no code", "less than that", "everything"],
)
def test_a_page_is_complete_with_all_that_is_well_and_a_code_for_the_rest(
    shown: tuple[str, ...], code: str, is_complete: bool
) -> None:
    """Whose part is missing has died, and the page says so."""
    assert complete([page(*shown, code=code)], well_parts(["customers"])) == is_complete


def test_where_everything_stands_in_a_missing_part_is_incomplete() -> None:
    """An error with a code is not enough where something was at hand."""
    pages = [page(*SERVICES), page("orders", "customers", code=OPEN)]

    assert complete(pages, SERVICES) == 1
