"""The broker that `up` leaves running: written down, found again, and ended when it is still ours.

A process id says little, for the system gives it anew when the process has ended. So nothing is
ended before its command line names our folder, or the container bears our name.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from scripts.kafka_broker import JavaBroker
from scripts.kafka_docker import DockerBroker
from scripts.kafka_jars import DATA_FOLDER

END_LIMIT_S: Final = 15.0
LOOK_AGAIN_S: Final = 0.05  # a process that is no child of ours can only be looked at

FOLDER: Final = DATA_FOLDER / "up"
RECORD: Final = DATA_FOLDER / "running.json"


@dataclass(frozen=True)
class LeftRunning:
    """What there is to know about it; `pid` is None when it is in a container."""

    address: str
    port: int
    pid: int | None

    def is_running(self) -> bool:
        """Whether it is there still, and is ours."""
        if self.pid is None:
            name = DockerBroker(FOLDER, self.port).container
            listed = ("docker", "ps", "--quiet", "--filter", f"name=^/{name}$")
            return bool(subprocess.run(listed, capture_output=True, check=False).stdout)
        return str(FOLDER) in command_line(self.pid)

    def end(self) -> None:
        """End it, at last by force, and remove what it kept."""
        if self.pid is None:
            DockerBroker(FOLDER, self.port).remove()
        else:
            self._end_process(self.pid)
        forget()

    def _end_process(self, pid: int) -> None:
        forced_at_s = time.monotonic() + END_LIMIT_S
        number = signal.SIGTERM
        while self.is_running():
            if number is signal.SIGTERM or time.monotonic() > forced_at_s:
                os.kill(pid, number)
                number = signal.SIGKILL
            time.sleep(LOOK_AGAIN_S)


def write_down(broker: JavaBroker | DockerBroker) -> None:
    """Remember this broker as the one that is left running."""
    process = broker.process if isinstance(broker, JavaBroker) else None
    left = LeftRunning(broker.address, broker.port, process.pid if process else None)
    RECORD.write_text(json.dumps(asdict(left)))


def find() -> LeftRunning | None:
    """The broker that was left running and runs; what is left of one that has ended is removed."""
    if not RECORD.exists():
        return None
    left = LeftRunning(**json.loads(RECORD.read_text()))
    if left.is_running():
        return left
    forget()
    return None


def forget() -> None:
    """Remove the record and the folder of a broker that has ended."""
    RECORD.unlink(missing_ok=True)
    shutil.rmtree(FOLDER, ignore_errors=True)


def command_line(pid: int) -> str:
    """How the process was started; empty if there is none."""
    if Path("/proc/self/cmdline").exists():
        told = Path(f"/proc/{pid}/cmdline")
        return told.read_text(errors="replace").replace("\0", " ") if told.exists() else ""
    asked = ("ps", "-ww", "-o", "args=", "-p", str(pid))
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout
