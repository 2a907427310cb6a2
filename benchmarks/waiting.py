"""Waiting for processes while the person sees how far they are."""

import time
from collections.abc import Callable
from typing import Final

from benchmarks.processes import Account
from benchmarks.runs import Run

LOOK_EVERY_S: Final = 0.1


def wait_watching(
    run: Run, what: str, account: Account, seconds: float, look: Callable[[], None] = lambda: None
) -> None:
    """Return when the process has ended, which takes so many seconds; ``look`` now and then."""
    started_at_s = time.monotonic()
    with run.watched(what, seconds) as watch:
        while account.is_running:
            watch(time.monotonic() - started_at_s)
            look()
            time.sleep(LOOK_EVERY_S)
