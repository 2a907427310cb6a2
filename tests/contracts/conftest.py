from collections.abc import AsyncIterator

import pytest

from tests.contracts.store_implementations import OPENED_BY, StoreUnderTest


@pytest.fixture(params=list(OPENED_BY))
async def under_test(request: pytest.FixtureRequest) -> AsyncIterator[StoreUnderTest]:
    """A fresh store of each kind: every law of the store contract holds for all of them."""
    async with OPENED_BY[request.param](request) as under_test:
        yield under_test
