"""A small tower over a service that a test can make behave in any way."""

from collections.abc import AsyncIterator

import pytest
import respx

from resolvers.upstream.call import Upstream
from tests.resolvers.upstream.builders import SMALL_TOWER, an_upstream
from tests.resolvers.upstream.wires import WIRES, MakeTransport


@pytest.fixture(params=list(WIRES.values()), ids=list(WIRES))
def make(request: pytest.FixtureRequest) -> MakeTransport:
    """Each wire in turn."""
    chosen: MakeTransport = request.param
    return chosen


@pytest.fixture
def router() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def service(router: respx.Router) -> respx.Route:
    """The whole order service, as one route."""
    return router.route(host="orders.test")


@pytest.fixture
async def upstream(router: respx.Router) -> AsyncIterator[Upstream]:
    upstream = an_upstream(router, SMALL_TOWER)
    yield upstream
    await upstream.aclose()
