"""How long one operation has waited: waits at the same time are one."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from projections.versions import AggregateKey, Version
from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.transport import cut_short


class WaitedTime:
    """A stopwatch that runs while anybody of the operation waits."""

    def __init__(self) -> None:
        self._before_s = 0.0
        self._since_s = 0.0
        self._running_count = 0

    @property
    def total_s(self) -> float:
        """The time waited until now (s), a wait under way included."""
        if not self._running_count:
            return self._before_s
        return self._before_s + _now_s() - self._since_s

    @contextmanager
    def running(self) -> Iterator[None]:
        """Somebody waits while the context is open."""
        if not self._running_count:
            self._since_s = _now_s()
        self._running_count += 1
        try:
            yield
        finally:
            total_s = self.total_s
            self._running_count -= 1
            if not self._running_count:
                self._before_s = total_s


def _now_s() -> float:
    return asyncio.get_running_loop().time()


@contextmanager
def noting_wait(log: CallLog | None, awaited: Mapping[AggregateKey, Version]) -> Iterator[None]:
    """Note in the log, where there is one, that these versions are waited for."""
    if log is None:
        yield
        return
    about = cut_short("wait for " + ", ".join(f"{key}@{at}" for key, at in awaited.items()))
    log.note("projection", about, CallStep.WAITED)
    yield
    log.note("projection", about, CallStep.ANSWERED)
