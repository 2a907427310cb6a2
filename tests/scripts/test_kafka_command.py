"""`scripts/kafka.py` as a person uses it: with a stand-in for the broker, and with a real one."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts import kafka, kafka_left_running
from scripts.kafka import AtHand
from tests.e2e.processes import eventually
from tests.servers.fixtures import real_kafka_address

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "kafka.py"
EVERYTHING = AtHand(docker=True, java=17, maven=True, jars=True)


@dataclass
class FakeBroker:
    """A broker that only remembers what was done to it."""

    address: str = "127.0.0.1:9092"
    ending: tuple[str, ...] = ("true",)
    story: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.story.append("start")

    def remove(self) -> None:
        self.story.append("remove")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeBroker:
    broker = FakeBroker()
    monkeypatch.setattr(kafka, "new_broker", lambda *_: broker)
    monkeypatch.setattr(kafka, "DATA_FOLDER", tmp_path)
    return broker


@pytest.fixture
def nothing_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of its own for what `up` leaves running; gives the path of the record."""
    monkeypatch.setattr(kafka_left_running, "FOLDER", tmp_path / "up")
    monkeypatch.setattr(kafka_left_running, "RECORD", tmp_path / "running.json")
    return tmp_path / "running.json"


def test_run_hands_on_the_address_and_the_exit_code(broker: FakeBroker) -> None:
    """The command finds Kafka in its environment, and its end is the end of the whole."""
    program = f"import os, sys; sys.exit(os.environ['TEST_KAFKA'] == {broker.address!r} and 7)"

    code = kafka.run([sys.executable, "-c", program], EVERYTHING)

    assert code == 7
    assert broker.story == ["start", "remove"]


def test_run_removes_the_broker_of_a_command_that_cannot_start(broker: FakeBroker) -> None:
    """A misspelt command leaves nothing running."""
    with pytest.raises(FileNotFoundError):
        kafka.run(["no-such-command-anywhere"], EVERYTHING)

    assert broker.story == ["start", "remove"]


def test_the_command_stands_after_two_dashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever follows the dashes belongs to the command, options and further dashes too."""
    monkeypatch.setattr(sys, "argv", ["kafka.py", "run", "--", "pytest", "-m", "kafka", "--", "x"])

    assert kafka.parse().command == ["pytest", "-m", "kafka", "--", "x"]


def test_run_without_a_command_is_refused() -> None:
    """The refusal shows how it is meant."""
    told = subprocess.run(
        [sys.executable, SCRIPT, "run"], capture_output=True, text=True, check=False
    )

    assert told.returncode == 2
    assert "run -- COMMAND" in told.stderr


def test_the_help_has_an_example_of_each_command() -> None:
    """A person finds out from `--help` alone how to use it, from whatever folder."""
    told = subprocess.run(
        [sys.executable, SCRIPT, "--help"], cwd="/", capture_output=True, text=True, check=True
    )

    for command in ("up", "down", "run -- make test"):
        assert f"scripts/kafka.py {command}" in told.stdout


def test_down_ends_no_stranger(nothing_left: Path) -> None:
    """A process id that was given anew is not taken for the broker that had it."""
    stranger = kafka_left_running.LeftRunning("127.0.0.1:9092", 9092, os.getpid())
    nothing_left.write_text(f'{{"address": "x", "port": 9092, "pid": {os.getpid()}}}')

    kafka.down()

    assert not stranger.is_running()
    assert not nothing_left.exists()


@pytest.mark.kafka
@pytest.mark.usefixtures("java_or_docker")
def test_up_leaves_one_broker_running_and_down_ends_it(nothing_left: Path) -> None:
    """`up` prints the address and nothing else; a second `up` finds the same; `down` ends it."""
    first, second = up_beside(nothing_left), up_beside(nothing_left)
    assert is_open(first)

    kafka.down()

    assert first == second
    assert not is_open(first)
    assert not kafka_left_running.FOLDER.exists()


def up_beside(record: Path) -> str:
    """What `up` prints, in a process of its own that keeps this record and ends."""
    program = (
        "from pathlib import Path; from scripts import kafka, kafka_left_running as left\n"
        f"left.RECORD, left.FOLDER = Path({str(record)!r}), Path({str(record.parent / 'up')!r})\n"
        "kafka.up(kafka.look_around())"
    )
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()


@pytest.mark.kafka
@pytest.mark.usefixtures("java_or_docker")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_broker_ends_with_its_run(number: signal.Signals) -> None:
    """Asked to end or killed, `run` leaves no broker behind."""
    program = "import os, time; print(os.environ['TEST_KAFKA'], flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, SCRIPT, "run", "--", sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        assert is_open(address)

        running.send_signal(number)
        running.wait(30)

        eventually(lambda: not is_open(address), about="the end of the broker")
        if number is signal.SIGKILL:
            os.killpg(running.pid, signal.SIGTERM)  # the command, which knows of nothing


@pytest.fixture
def java_or_docker() -> None:
    """Skips or fails as all tests do that need real Kafka."""
    real_kafka_address()


def is_open(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True
