"""What an operation has made is gone with it: nothing waits for the garbage collector.

In an overload operations live long enough to reach the oldest generation. What they leave in
circles there is collected in one pause, seconds long, in which nobody is answered.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from unittest.mock import patch

import pytest
from graphql.execution import Executor

from gateway.execution import executor
from tests.gateway_in_process import (
    GatewayInProcess,
    open_composing_gateway,
    open_gateway,
    twins_of,
)
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

OURS: Final = ("gateway", "graphql", "projections", "resolvers", "strawberry")
PAGE = '{ order(id: "o-1"%s) { note customer { name } items { product { name } } } }'
PROJECTED, LIVE = PAGE % "", PAGE % ", consistency: {live: true}"
COUNT = 5


@contextmanager
def keeping_garbage() -> Iterator[None]:
    """Whatever only the collector would have found stays in `gc.garbage` inside the block."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def left_behind(bff: GatewayInProcess, query: str) -> Counter[str]:
    """The types of our objects, and of our libraries', that some answers leave in circles."""
    await bff.ask(query)
    with keeping_garbage():
        for _ in range(COUNT):
            await bff.ask(query)
        gc.collect()
        kinds = (type(left) for left in gc.garbage)
        return Counter(
            kind.__qualname__ for kind in kinds if kind.__module__.partition(".")[0] in OURS
        )


@pytest.mark.parametrize("query", [PROJECTED, LIVE], ids=["projected", "live"])
async def test_an_answered_query_leaves_nothing_to_collect(query: str) -> None:
    """Wherever its parts come from, all that was made for it goes with its last reference."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        assert await left_behind(bff, query) == {}


async def test_control_the_executor_as_it_comes_leaves_whole_operations() -> None:
    """graphql-core's own holds itself, its context, and with that everything."""

    def as_it_comes(of: type[Executor[object]]) -> type[Executor[object]]:
        return of

    with patch.object(executor, "uncircled", as_it_comes):
        async with open_composing_gateway(twins_of(*SHOP)) as bff:
            left = await left_behind(bff, PROJECTED)

    assert left["OperationContext"] == COUNT
