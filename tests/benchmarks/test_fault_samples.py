"""What an answer of the gateway comes to, as a sample of a read among faults."""

import msgspec
import pytest

from benchmarks.fault_samples import Sample, sample_of, samples_of
from benchmarks.processes import Json

ITEM = {"quantity": 1, "product": {"name": "Lamp"}}
WHOLE: Json = {"order": {"note": None, "customer": {"name": "Ada"}, "items": [ITEM]}}


def refused(service: str, *path: str, retry_after_ms: int) -> Json:
    told = {"code": "CIRCUIT_OPEN", "service": service, "retryAfterMs": retry_after_ms}
    return {"path": list(path), "extensions": told}


def read(body: Json) -> Sample:
    return sample_of(body, began_at_s=100.0, took_s=0.25)


def test_a_whole_page_shows_the_parts_of_all_services() -> None:
    """Whose parts are there is told by name; nothing was refused."""
    sample = read({"data": WHOLE})

    assert sample.shown == ("customers", "orders", "products")
    assert (sample.codes, sample.refused, sample.ended_at_s) == ((), (), 100.25)


def test_one_product_that_is_missing_is_a_part_that_is_missing() -> None:
    """A part is shown only as a whole."""
    items = [ITEM, {"quantity": 1, "product": None}]

    sample = read({"data": {"order": {"note": None, "items": items}}})

    assert sample.shown == ("orders",)


@pytest.mark.parametrize("data", [None, {"order": None}], ids=["no data", "no order"])
def test_without_an_order_nothing_is_shown(data: Json | None) -> None:
    """What an order leads to is not there without it."""
    assert read({"data": data}).shown == ()


def test_a_refusal_tells_whose_circuit_is_open_and_for_how_long() -> None:
    """Of several refusals the longest wait counts; each code is told once."""
    errors = [
        refused("customers", "order", "customer", retry_after_ms=1500),
        refused("products", "order", "items", retry_after_ms=4000),
    ]

    sample = read({"data": {"order": {"note": None}}, "errors": errors})

    assert sample.codes == ("CIRCUIT_OPEN",)
    assert sample.refused == ("customers", "products")
    assert sample.retry_after_s == 4.0


@pytest.mark.parametrize(
    ("instead_of", "expected"),
    [("CIRCUIT_OPEN", ("customers",)), ("UPSTREAM_TIMEOUT", ())],
)
def test_what_stands_in_for_a_refused_part_tells_of_the_circuit(
    instead_of: str, expected: tuple[str, ...]
) -> None:
    """The part is shown, there is no error, and yet the open circuit is seen."""
    component = {"path": "order.customer", "insteadOf": instead_of}
    extensions = {"consistency": {"components": [{"path": "order"}, component]}}

    sample = read({"data": WHOLE, "extensions": extensions})

    assert sample.refused == expected
    assert (sample.codes, "customers" in sample.shown) == ((), True)


def test_an_error_without_a_code_is_no_sample() -> None:
    """Every error of a gateway has a code; where one has none, the measurement is wrong."""
    with pytest.raises(KeyError):
        read({"data": None, "errors": [{"message": "no", "extensions": {}}]})


def test_an_account_is_read_back_in_the_order_of_beginning() -> None:
    """Reads that ended in another order are told in that in which they began."""
    late, early = Sample(2.0, 0.1, (), ("orders",)), Sample(1.0, 5.0, ("X",), (), ("orders",), 1.5)
    account = msgspec.json.decode(msgspec.json.encode({"samples": [late, early]}))

    assert samples_of(account) == [early, late]
