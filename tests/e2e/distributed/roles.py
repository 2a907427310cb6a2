"""Processes of the distributed house, one role each: started by a command, ended by their id.

The rule: what was started here is ended here, also when the test process itself is killed; nothing
else is touched.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.server_process import LOOPBACK, free_port, leash
from tests.e2e.processes import PATIENCE_S
from tests.e2e.shopper import Json
from tests.e2e.starting import REPOSITORY

NO_SETTINGS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, and how long it took (s)."""

    exit_code: int
    took_s: float


@dataclass(slots=True)
class Role:
    """One process: what it is, where it listens (if it does), and what it has said so far."""

    name: str
    process: subprocess.Popen[bytes]
    said_path: Path
    address: str = ""
    _leash: ExitStack = field(default_factory=ExitStack)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def said(self) -> str:
        """Everything that it has written."""
        return self.said_path.read_text(errors="replace")

    def events(self, name: str) -> list[Json]:
        """The log events of this name."""
        return [line for line in self._log() if line.get("event") == name]

    def kill(self) -> None:
        """End it at once, without a word; returns when it is gone. Idempotent."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._leash.close()

    def end(self) -> Ended:
        """Ask it to end, as an orchestrator does, and wait."""
        started_at_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        exit_code = self.process.wait(PATIENCE_S)
        self._leash.close()
        return Ended(exit_code, time.monotonic() - started_at_s)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It does nothing at all inside the block, and does not know that it did nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _log(self) -> Iterator[Json]:
        for line in self.said.splitlines():
            if line.startswith("{"):
                try:
                    yield json.loads(line)
                except ValueError:
                    continue  # it was killed while it wrote


def start_role(
    name: str,
    words: Sequence[str],
    folder: Path,
    *,
    settings: Mapping[str, str] = NO_SETTINGS,
    address: str = "",
) -> Role:
    """Start `python -m …` with these settings and no others of the gateway; not waited for."""
    said_path = folder / f"{name}.log"
    inherited = {key: value for key, value in os.environ.items() if key[:4] != "BFF_"}
    with said_path.open("ab") as said:
        process = subprocess.Popen(
            (sys.executable, "-m", *words),
            cwd=REPOSITORY,
            env={**inherited, **settings},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    role = Role(name, process, said_path, address)
    role._leash.enter_context(leash("kill", "-9", str(process.pid)))
    return role


def free_address() -> tuple[int, str]:
    """A port of loopback that nobody else is given, and the address of a server there."""
    port = free_port()
    return port, f"http://{LOOPBACK}:{port}"
