"""A gateway without its protections: the control of benchmarks has to do without them indeed."""

import httpx
import pytest
import respx

from benchmarks.unguarded_gateway import BUDGET, CIRCUIT, unguarded
from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.options import RetryOptions
from resolvers.upstream.transport import CallKind
from tests.resolvers.upstream.builders import an_upstream, ask, some_options

pytestmark = pytest.mark.steered_time

READ_COUNT = 200


@pytest.fixture
def router() -> respx.Router:
    router = respx.Router(assert_all_called=False)
    router.get().mock(side_effect=httpx.ConnectError)
    return router


@pytest.mark.parametrize(
    ("without", "state", "most_calls", "least_calls"),
    [
        ((), CircuitState.OPEN, 25, 20),
        ((CIRCUIT,), CircuitState.CLOSED, READ_COUNT * 1.1, READ_COUNT),
        ((CIRCUIT, BUDGET), CircuitState.CLOSED, READ_COUNT * 3, READ_COUNT * 3),
    ],
    ids=["guarded", "no circuit", "no circuit, no budget"],
)
async def test_what_is_taken_away_is_missing(
    router: respx.Router,
    without: tuple[str, ...],
    state: CircuitState,
    most_calls: float,
    least_calls: float,
) -> None:
    """Two hundred reads of a dead service: what reaches it tells what stood before it."""
    options = unguarded(some_options(retry=RetryOptions()), without)
    upstream = an_upstream(router, options)

    for _ in range(READ_COUNT):
        await ask(upstream)

    assert upstream.circuit_states[CallKind.READ] is state
    assert least_calls <= len(router.calls) <= most_calls
    await upstream.aclose()
