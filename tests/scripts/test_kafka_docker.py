"""Kafka in a container, held against a `docker` that writes down what it is told."""

import os
from pathlib import Path

import pytest

from scripts import kafka_docker
from scripts.kafka_docker import DockerBroker
from scripts.kafka_jars import KafkaNotUp

WORKS = """
case "$1" in start) echo "[now] INFO Kafka Server started (kafka.server)"; exec sleep 60;; esac
"""
NO_IMAGE = """
case "$1" in create) echo "Unable to find image" >&2; exit 125;; esac
"""
ENDS_AT_ONCE = """
case "$1" in start) echo "invalid configuration" >&2;; esac
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with a line for each command that Docker was given."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(kafka_docker, "free_port", lambda: 20_000)
    behave(tmp_path, WORKS)
    return tmp_path / "told"


def behave(folder: Path, script: str) -> None:
    """Put a `docker` first on the path."""
    docker = folder / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {folder}/told\n{script}')
    docker.chmod(0o755)


def test_a_container_is_made_once_and_started_again(told: Path, tmp_path: Path) -> None:
    """A stopped broker is the same container when it starts again, so its data is there."""
    broker = DockerBroker(tmp_path / "broker", port=20_000)

    broker.start()
    broker.stop()
    broker.start()
    broker.remove()

    commands = [line.split()[0] for line in told.read_text().splitlines()]
    assert commands == ["create", "start", "stop", "start", "rm"]
    assert not broker.folder.exists()


def test_its_port_is_that_of_the_container_on_loopback_only(told: Path, tmp_path: Path) -> None:
    """Clients inside and outside use one address, and no other machine can."""
    broker = DockerBroker(tmp_path / "broker", port=20_000)

    broker.start()

    assert broker.address == "127.0.0.1:20000"
    assert "--publish 127.0.0.1:20000:20000" in told.read_text()
    settings = (broker.folder / "mounted" / "server.properties").read_text()
    assert "advertised.listeners=CLIENTS://127.0.0.1:20000\n" in settings


@pytest.mark.parametrize(
    ("script", "words"), [(NO_IMAGE, "Unable to find image"), (ENDS_AT_ONCE, "invalid config")]
)
def test_a_container_that_does_not_come_up(
    told: Path, tmp_path: Path, script: str, words: str
) -> None:
    """What Docker said is in the message."""
    behave(tmp_path, script)

    with pytest.raises(KafkaNotUp, match=words):
        DockerBroker(tmp_path / "broker", port=20_000).start()


def test_a_docker_without_an_engine_is_none(told: Path, tmp_path: Path) -> None:
    """The command alone cannot start anything."""
    assert kafka_docker.docker_answers()

    behave(tmp_path, "exit 1")

    assert not kafka_docker.docker_answers()
