"""Whatever the schema allows to be asked is answered: never a 500, and every error coded."""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.house import House
from tests.e2e.starting import running_house
from tests.fuzz.fuzzing import FuzzBlock, fuzz, what_is_wrong

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

REQUEST_COUNT = 800


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that may be written to at random."""
    with running_house(tmp_path_factory.mktemp("house")) as house:
        yield house


def test_random_requests_are_answered_and_every_error_is_coded(house: House) -> None:
    """None of so many requests made of the schema fails by our fault; most are answered."""
    proof = fuzz(FuzzBlock(house.started.address, seed=1, request_count=REQUEST_COUNT))

    print(f"{proof.statuses}, {proof.codes}, {proof.took_s:.0f} s")
    assert proof.story is None, proof.story
    assert sum(proof.statuses.values()) >= REQUEST_COUNT
    assert proof.statuses[200] > REQUEST_COUNT / 4


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (500, '{"errors": [{"message": "m", "extensions": {"code": "BAD_REQUEST"}}]}'),
        (200, "no JSON"),
        (200, '{"errors": [{"message": "m"}]}'),
        (200, '{"errors": [{"message": "m", "extensions": {"code": "INTERNAL_ERROR"}}]}'),
        (200, '{"data": null, "errors": [{"message": "at 127.0.0.1"}]}'),
    ],
)
def test_an_answer_that_should_not_be_is_seen(status: int, text: str) -> None:
    """A failure of ours, an error without a code and a word of the inside are each told."""
    wrong = what_is_wrong(httpx.Response(status, text=text), Counter())

    assert wrong is not None
