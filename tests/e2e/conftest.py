"""Houses for the tests: one that all share as long as they disturb nobody, and one to be hurt."""

from collections.abc import Iterator

import pytest

from tests.e2e.house import House
from tests.e2e.shopper import SESSION_HEADER, Shopper
from tests.e2e.starting import running_house

SHARED_SETTINGS = {"BFF_SUBJECT_HEADER": SESSION_HEADER, "BFF_TOKEN_COOKIE": "true"}


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The shared house; every test keeps to customers, products and orders of its own."""
    with running_house(tmp_path_factory.mktemp("house"), SHARED_SETTINGS) as house:
        yield house


@pytest.fixture
def shopper(house: House) -> Iterator[Shopper]:
    """A client of the shared house."""
    with house.shopper() as shopper:
        yield shopper


@pytest.fixture
def nothing_written(house: House) -> Iterator[None]:
    """No service publishes an event during the test."""
    before = house.event_counts()

    yield

    assert house.event_counts() == before
