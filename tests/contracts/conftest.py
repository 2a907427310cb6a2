from collections.abc import AsyncIterator

import pytest

from tests.contracts import store_implementations
from tests.contracts.store_implementations import StoreUnderTest


@pytest.fixture(params=list(store_implementations.IMPLEMENTATIONS))
async def under_test(request: pytest.FixtureRequest) -> AsyncIterator[StoreUnderTest]:
    """A fresh store of each kind: every law of the store contract holds for all of them."""
    async with store_implementations.IMPLEMENTATIONS[request.param]() as under_test:
        yield under_test
