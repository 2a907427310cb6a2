"""Looking at real processes from outside: which there are, and waiting for what they will do."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

PATIENCE_S: Final = 30.0
"""After this time something counts as never; far more than a busy machine needs."""

LOOK_AGAIN_S: Final = 0.02

T = TypeVar("T")


class NeverHappened(AssertionError):
    """What was waited for did not come in time."""


def eventually(look: Callable[[], T | None], *, about: str, within_s: float = PATIENCE_S) -> T:
    """The first truthy thing that ``look`` finds, looking every few milliseconds.

    Raises `NeverHappened`.
    """
    ends_at_s = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > ends_at_s:
            raise NeverHappened(f"not within {within_s:g} s: {about}")
        time.sleep(LOOK_AGAIN_S)
    return found


def services_over(data_dir: Path) -> dict[int, list[str]]:
    """Pid and command line of every process that keeps its data in this directory.

    Found by the directory and not by the parent, because an orphan has lost its parent.
    """
    marks = {str(data_dir), f"--data={data_dir}"}
    return {pid: words for pid, words in _all_processes() if marks & set(words)}


def _all_processes() -> Iterator[tuple[int, list[str]]]:
    if not Path("/proc/self/cmdline").exists():
        yield from _listed_by_ps()
        return
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield int(folder.name), (folder / "cmdline").read_text(errors="replace").split("\0")
        except OSError:
            continue  # it has just ended


def _listed_by_ps() -> Iterator[tuple[int, list[str]]]:
    command = ("ps", "-A", "-ww", "-o", "pid=,args=")
    for line in subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.splitlines():
        pid, *words = line.split()
        yield int(pid), words
