"""What every test can rely on: a steered clock on demand, and repeatable examples in CI."""

import asyncio
import os
from collections.abc import Callable, Mapping

import async_solipsism
import pytest
from hypothesis import HealthCheck, settings

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

settings.register_profile(
    "default",
    deadline=None,  # shared machines pause; the suite's own timeout ends what hangs
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("prove", parent=settings.get_profile("default"), max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure() -> None:
    """Leave pytest-asyncio no loop of the main thread to replace and forget unclosed."""
    asyncio.set_event_loop(None)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """A virtual clock for tests marked `steered_time`, the plain event loop for all others."""
    if item.get_closest_marker("steered_time"):
        return {"steered": async_solipsism.EventLoop}
    return {"real": asyncio.SelectorEventLoop}
