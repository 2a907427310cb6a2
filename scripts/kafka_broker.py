"""Apache Kafka as one process of this machine: its settings, its start and its end.

One node is broker and controller (KRaft). Everything that it keeps lies in one folder; it can be
stopped, killed and started again over the same folder at the same port.
"""

import base64
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.kafka_jars import JARS, KafkaNotUp, java_environment, run_shortly
from scripts.server_process import LOOPBACK, end, free_port, last_lines, says

START_LIMIT_S: Final = 60.0
"""A start takes 2 to 3 s; a busy machine may need many times as much."""

STARTED: Final = b"Kafka Server started"
SHOWN_LINES: Final = 12

SETTINGS: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "CLIENTS",
    # As in production: a topic is made on purpose, with its partitions and its cleaning.
    "auto.create.topics.enable": "false",
    # There is one node to hold what Kafka keeps for itself.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # The default waits 3 s for more members before a group's first assignment.
    "group.initial.rebalance.delay.ms": "0",
    # A test need not wait 6 s until a killed member is missed.
    "group.min.session.timeout.ms": "500",
    # A killed broker is let in again only when its former life is over, after 9 s by default.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    # Compaction and retention are looked after at once, not in minutes.
    "log.cleaner.backoff.ms": "200",
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "500",
    # The default takes a quarter of the memory that the process is given here.
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}

# The whole log goes to a file. Standard output has one line, from the one class that is loaded
# first and done last: it says that the broker serves.
LOGGING: Final = """\
appender.file.type=File
appender.file.name=file
appender.file.fileName=${sys:broker.log}
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{ISO8601} %p %m (%c{1})%n
appender.spoken.type=Console
appender.spoken.name=spoken
appender.spoken.layout.type=PatternLayout
appender.spoken.layout.pattern=%m%n
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
logger.server.appenderRef.spoken.ref=spoken
"""


@dataclass
class JavaBroker:
    """A broker from its jars. `process` is None while it is down."""

    folder: Path
    port: int = field(default_factory=free_port)
    controller_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where clients begin."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ending(self) -> tuple[str, ...]:
        """The command that ends it at once, for who outlives us."""
        if self.process is None:
            raise KafkaNotUp("it is down")
        return ("kill", "-9", str(self.process.pid))

    def start(self, *, within_s: float = START_LIMIT_S) -> None:
        """Start over what lies in the folder, anew if nothing does; returns when it serves."""
        settings = self.folder / "server.properties"
        if not settings.exists():
            self._settle(settings)
        log = self.folder / "broker.log"
        with (self.folder / "java.log").open("ab") as complaints:
            self.process = subprocess.Popen(
                [
                    *("java", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError", f"-Dbroker.log={log}"),
                    f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",
                    *("-cp", f"{JARS}/*", "kafka.Kafka", str(settings)),
                ],
                env=java_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,  # Ctrl-C is for us; we end it in order
            )
        if not says(self.process, STARTED, within_s=within_s):
            self.kill()
            raise KafkaNotUp(self._why_it_ended())

    def stop(self) -> None:
        """End it in order, its data kept."""
        if self.process is not None:
            end(self.process)
        self.process = None

    def kill(self) -> None:
        """End it at once, as when the machine fails; its data is what it had written."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process = None

    def remove(self) -> None:
        """End it and leave nothing of it behind."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _settle(self, settings: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j2.properties").write_text(LOGGING)
        draft = settings.with_suffix(".draft")
        draft.write_text(render(self._settings()))
        run_shortly(
            [
                *("java", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*", "kafka.tools.StorageTool"),
                *("format", f"--cluster-id={new_cluster_id()}", "--config", str(draft)),
            ],
            "Kafka could not format its folder:",
        )
        draft.rename(settings)  # the last step: what has settings is formatted

    def _settings(self) -> dict[str, str]:
        controller = f"{LOOPBACK}:{self.controller_port}"
        return {
            **SETTINGS,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"CLIENTS://{self.address},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENTS://{self.address}",
            "log.dirs": str(self.folder / "log"),
        }

    def _why_it_ended(self) -> str:
        logs = (last_lines(self.folder / name, SHOWN_LINES) for name in ("java.log", "broker.log"))
        return "\n".join(
            [f"Kafka did not start; its log is in {self.folder}:", *filter(None, logs)]
        )


def render(settings: Mapping[str, str]) -> str:
    """The settings as a properties file."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def new_cluster_id() -> str:
    """A cluster id as Kafka makes them: 16 random bytes in base64, as may stand in an address.

    It may begin with a dash: on a command line it goes behind a ``=``.
    """
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
