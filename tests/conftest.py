"""What every test can rely on: a steered clock on demand, and repeatable examples in CI."""

import asyncio
import os
import signal
from collections.abc import Callable, Generator, Mapping

import async_solipsism
import pytest
import uvloop
from hypothesis import HealthCheck, settings

from tests.servers.skipped import last_words

pytest_plugins = ["tests.servers.fixtures"]

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
    """Leave pytest-asyncio no loop of the main thread to replace and forget unclosed.

    Let Ctrl-C be heard by what tests start: a background job ignores it, and so do its children.
    """
    asyncio.set_event_loop(None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """A virtual clock for tests marked `steered_time`, the plain event loop for all others.

    Those marked `every_loop` run on each loop that the gateway may run on.
    """
    if item.get_closest_marker("steered_time"):
        return {"steered": async_solipsism.EventLoop}
    if item.get_closest_marker("every_loop"):
        return {"plain": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}
    return {"real": asyncio.SelectorEventLoop}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say after everything else what was skipped, and the one command that would run it."""
    yield
    for line in last_words(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line, yellow=True)
