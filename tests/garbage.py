"""What something leaves behind that only the garbage collector finds.

assert await left_behind(lambda: bff.ask(query)) == {}
"""

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from types import CoroutineType, FrameType, TracebackType
from typing import Final

OURS: Final = ("gateway", "graphql", "projections", "resolvers", "strawberry")
HELD: Final = (CoroutineType, FrameType, TracebackType)
"""By these an error holds what its functions held."""

COUNT: Final = 5
"""How often it is done, once more before that."""

Act = Callable[[], Awaitable[object]]


async def left_behind(
    act: Act,
    *,
    rest_s: float = 0.0,
    packages: Collection[str] = OURS,
    held: Collection[type] = HELD,
) -> Counter[str]:
    """The types of objects of these packages, and of these types, that doing this leaves."""
    await act()
    await asyncio.sleep(rest_s)
    with keeping_garbage():
        for _ in range(COUNT):
            await act()
            await asyncio.sleep(rest_s)
        gc.collect()
        kinds = (type(left) for left in gc.garbage)
        return Counter(
            kind.__qualname__
            for kind in kinds
            if kind in held or kind.__module__.partition(".")[0] in packages
        )


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
