"""Bring up real Apache Kafka on this machine, for the tests marked `kafka` and for trying things.

It comes from Docker when an engine answers, else from its Maven artifacts with Java. What is
started here is ended here: `down` ends what `up` left running and nothing else; what `run` started
ends with it, even if `run` itself is killed.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, NoReturn

if __name__ == "__main__":  # run as a file, it finds its neighbours from the project's root
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from scripts import kafka_left_running as left_running
from scripts.kafka_broker import JavaBroker
from scripts.kafka_docker import DockerBroker, docker_answers
from scripts.kafka_jars import (
    DATA_FOLDER,
    JARS,
    KAFKA_VERSION,
    KafkaNotUp,
    fetch_jars,
    java_version,
)
from scripts.server_process import leash

Origin = Literal["docker", "maven"]
Broker = JavaBroker | DockerBroker

OLDEST_JAVA: Final = 17
INTERRUPTED: Final = 130  # the exit code that a shell gives to a program ended by Ctrl-C
TERMINATED: Final = 143  # and to one ended by SIGTERM
ADDRESS_VARIABLE: Final = "TEST_KAFKA"

HOW_TO_HAVE_ONE: Final = f"""
  Real Kafka needs one of these here:
  - a Docker engine that runs (`docker version` shows a server);
  - Java {OLDEST_JAVA} or newer, and Maven to fetch Kafka {KAFKA_VERSION} once
    (on Debian and Ubuntu: apt-get install openjdk-17-jre-headless maven);
  - a Kafka of yours that tests may use: {ADDRESS_VARIABLE}=HOST:PORT make test"""

EXAMPLES: Final = """
examples:
  python scripts/kafka.py up                        prints HOST:PORT when Kafka serves
  python scripts/kafka.py run -- make test          the command finds HOST:PORT in TEST_KAFKA
  python scripts/kafka.py down                      ends what `up` started, and removes its data
"""


@dataclass(frozen=True)
class AtHand:
    """What this machine has. `java` is its feature release."""

    docker: bool
    java: int | None
    maven: bool
    jars: bool


def choose(at_hand: AtHand) -> Origin:
    """Docker before Maven, because it needs nothing else; raises KafkaNotUp if neither will do."""
    if at_hand.docker:
        return "docker"
    if at_hand.java is None:
        raise KafkaNotUp(f"there is no Docker engine and no Java.{HOW_TO_HAVE_ONE}")
    if at_hand.java < OLDEST_JAVA:
        raise KafkaNotUp(
            f"there is no Docker engine, and Java {at_hand.java} is too old.{HOW_TO_HAVE_ONE}"
        )
    if not at_hand.jars and not at_hand.maven:
        raise KafkaNotUp(f"there is no Docker engine and no Maven.{HOW_TO_HAVE_ONE}")
    return "maven"


def look_around() -> AtHand:
    """What of it is here."""
    return AtHand(
        docker=docker_answers(),
        java=java_version(),
        maven=shutil.which("mvn") is not None,
        jars=JARS.exists(),
    )


def new_broker(folder: Path, at_hand: AtHand) -> Broker:
    """A broker over a new folder, not yet started; raises KafkaNotUp if none can be had here."""
    if choose(at_hand) == "docker":
        return DockerBroker(folder)
    fetch_jars()
    return JavaBroker(folder)


@contextmanager
def running_broker(at_hand: AtHand) -> Iterator[Broker]:
    """A broker that serves inside the block, and ends with it or with us. Raises KafkaNotUp."""
    DATA_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=DATA_FOLDER) as folder:
        broker = new_broker(Path(folder) / "broker", at_hand)
        try:
            broker.start()
            with leash("/bin/sh", "-c", '"$@"; rm -rf "$0"', folder, *broker.ending):
                yield broker
        finally:
            broker.remove()


def up(at_hand: AtHand) -> int:
    """Leave a broker running and print its address; one that is up already is the one."""
    if found := left_running.find():
        print(found.address)
        return 0
    left_running.forget()
    broker = new_broker(left_running.FOLDER, at_hand)
    started_at_s = time.monotonic()
    broker.start()
    left_running.write_down(broker)
    tell(f"Kafka {KAFKA_VERSION} serves after {time.monotonic() - started_at_s:.1f} s")
    print(broker.address)
    return 0


def down() -> int:
    """End the broker that `up` left running, if there is one."""
    found = left_running.find()
    if found is None:
        tell("none is up")
        return 0
    found.end()
    tell(f"{found.address} has ended")
    return 0


def run(command: list[str], at_hand: AtHand) -> int:
    """Run the command beside a broker of its own; its exit code."""
    with running_broker(at_hand) as broker:
        tell(f"Kafka {KAFKA_VERSION} serves at {broker.address}")
        child = subprocess.Popen(command, env={**os.environ, ADDRESS_VARIABLE: broker.address})
        try:
            return child.wait()
        except KeyboardInterrupt:
            return child.wait()  # Ctrl-C is for the command too; it decides when it has ended
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()


def main() -> int:
    """Do what the command line says; 1 with an explanation when Kafka cannot be had."""
    options = parse()
    signal.signal(signal.SIGTERM, leave)
    try:
        if options.what == "down":
            return down()
        at_hand = look_around()
        if options.without_docker:
            at_hand = replace(at_hand, docker=False)
        return up(at_hand) if options.what == "up" else run(options.command, at_hand)
    except KafkaNotUp as error:
        tell(str(error))
        return 1
    except FileNotFoundError as error:
        tell(f"no such command: {error.filename}")
        return 127
    except KeyboardInterrupt:
        return INTERRUPTED


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/kafka.py",
        description=(__doc__ or "").replace("`", ""),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--without-docker", action="store_true", help="take Maven and Java though Docker is there"
    )
    commands = parser.add_subparsers(dest="what", required=True, metavar="up|down|run")
    commands.add_parser("up", help="start Kafka, print its address, leave it running")
    commands.add_parser("down", help="end what `up` left running")
    one = commands.add_parser("run", help="run a command beside a Kafka of its own")
    one.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")
    options = parser.parse_args()
    if options.what == "run":
        options.command = options.command[options.command[:1] == ["--"] :]
        if not options.command:
            parser.error("run needs a command: run -- COMMAND ...")
    return options


def leave(*_: object) -> NoReturn:
    """Unwind on SIGTERM as on an error, so that everything is ended in order."""
    sys.exit(TERMINATED)


def tell(text: str) -> None:
    """Say something to the person: standard output has the address and nothing else."""
    print(f"kafka: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
