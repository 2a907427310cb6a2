"""Apache Kafka as a container: the same settings, start and end as from its jars.

A stopped container keeps its data and its port, so it too can be started again. `docker start
--attach` is at the output before the first line of it, which `docker logs` could not promise.
"""

import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.kafka_broker import SETTINGS, SHOWN_LINES, START_LIMIT_S, STARTED, render
from scripts.kafka_jars import KAFKA_VERSION, KafkaNotUp, run_shortly
from scripts.server_process import LOOPBACK, free_port, last_lines, says

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
PULL_HINT: Final = (
    f"Docker could not make a container of {IMAGE}.\n"
    "  To do without it, have Java and Maven, and put before the command: --without-docker\n"
    "  It said:"
)


@dataclass
class DockerBroker:
    """A broker in a container that is named after its port."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        """Where clients begin."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def container(self) -> str:
        """The name of the container, ours alone as long as the port is."""
        return f"bff-kafka-{self.port}"

    @property
    def ending(self) -> tuple[str, ...]:
        """The command that ends it at once, for who outlives us."""
        return ("docker", "rm", "--force", "--volumes", self.container)

    def start(self, *, within_s: float = START_LIMIT_S) -> None:
        """Start the container, made first if it is new; returns when Kafka serves."""
        settings = self.folder / "server.properties"
        if not settings.exists():
            self._create(settings)
        with (self.folder / "docker.log").open("ab") as complaints:
            attached = subprocess.Popen(
                ["docker", "start", "--attach", self.container],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
        is_started = says(attached, STARTED, within_s=within_s)
        attached.send_signal(signal.SIGKILL)  # any other signal it would hand on to Kafka
        attached.wait()
        if not is_started:
            log = last_lines(self.folder / "docker.log", SHOWN_LINES)
            raise KafkaNotUp(f"Kafka did not start; see: docker logs {self.container}\n{log}")

    def stop(self) -> None:
        """End it in order, its data kept."""
        run_shortly(["docker", "stop", self.container], "Docker could not stop Kafka:")

    def kill(self) -> None:
        """End it at once, as when the machine fails; its data is what it had written."""
        run_shortly(["docker", "kill", self.container], "Docker could not kill Kafka:")

    def remove(self) -> None:
        """End it and leave nothing of it behind."""
        subprocess.run(self.ending, capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self, settings: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        mounted = self.folder / "mounted"
        mounted.mkdir(exist_ok=True)
        (mounted / settings.name).write_text(render(self._settings()))
        run_shortly(
            [
                *("docker", "create", "--quiet", "--name", self.container),
                *("--memory", "1g", "--publish", f"{self.address}:{self.port}"),
                *("--volume", f"{mounted}:/mnt/shared/config:ro", IMAGE),
            ],
            PULL_HINT,
        )
        settings.touch()  # the last step: what has it is made

    def _settings(self) -> dict[str, str]:
        controller = f"{LOOPBACK}:{self.port + 1}"  # inside the container all ports are free
        return {
            **SETTINGS,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"CLIENTS://0.0.0.0:{self.port},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENTS://{self.address}",
            "log.dirs": "/tmp/kafka-logs",  # noqa: S108 - inside a container of its own
        }


def docker_answers() -> bool:
    """Whether there is an engine, and not only the command."""
    if shutil.which("docker") is None:
        return False
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
