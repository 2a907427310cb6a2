from dataclasses import replace
from pathlib import Path

import pytest

from scripts import kafka_jars
from scripts.kafka import AtHand, choose
from scripts.kafka_jars import KAFKA_VERSION, KafkaNotUp, fetch_jars, pom, run_shortly

NOTHING = AtHand(docker=False, java=None, maven=False, jars=False)


@pytest.mark.parametrize(
    ("here", "origin"),
    [
        (replace(NOTHING, docker=True, java=17, maven=True, jars=True), "docker"),
        (replace(NOTHING, docker=True), "docker"),
        (replace(NOTHING, java=17, maven=True), "maven"),
        (replace(NOTHING, java=25, jars=True), "maven"),
    ],
)
def test_kafka_comes_from_what_is_there(here: AtHand, origin: str) -> None:
    """Docker when its engine answers; else Java with Maven, or with jars fetched before."""
    assert choose(here) == origin


@pytest.mark.parametrize(
    ("here", "wanted"),
    [
        (NOTHING, "no Java"),
        (replace(NOTHING, maven=True), "no Java"),
        (replace(NOTHING, java=11, maven=True), "Java 11 is too old"),
        (replace(NOTHING, java=17), "no Maven"),
    ],
)
def test_who_cannot_have_kafka_is_told_what_to_do(here: AtHand, wanted: str) -> None:
    """The refusal names what is wanting, and every way to have it."""
    with pytest.raises(KafkaNotUp, match=wanted) as refusal:
        choose(here)

    for way in ("Docker engine that runs", "Java 17 or newer", "TEST_KAFKA=HOST:PORT"):
        assert way in str(refusal.value)


def test_jars_are_fetched_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What Maven has brought stays, and Maven is not asked again."""
    commands = []

    def bring(command: list[str], _: str) -> None:
        commands.append(command)
        [target] = [word.partition("=")[2] for word in command if "outputDirectory" in word]
        Path(target).mkdir()
        (Path(target) / "kafka.jar").touch()

    monkeypatch.setattr(kafka_jars, "DATA_FOLDER", tmp_path)
    monkeypatch.setattr(kafka_jars, "JARS", tmp_path / "jars")
    monkeypatch.setattr(kafka_jars, "run_shortly", bring)

    fetch_jars()
    fetch_jars()

    assert len(commands) == 1
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*.jar")] == [
        Path("jars/kafka.jar")
    ]


def test_a_fetch_cut_short_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Half the jars are never taken for all of them."""

    def fail(command: list[str], failure: str) -> None:
        raise KafkaNotUp(f"{failure} {command}")

    monkeypatch.setattr(kafka_jars, "DATA_FOLDER", tmp_path)
    monkeypatch.setattr(kafka_jars, "JARS", tmp_path / "jars")
    monkeypatch.setattr(kafka_jars, "run_shortly", fail)

    with pytest.raises(KafkaNotUp, match="repository reachable"):
        fetch_jars()

    assert list(tmp_path.iterdir()) == []


def test_the_version_is_pinned_in_one_place() -> None:
    """The jars are those of the version that the project names."""
    assert f"<artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>" in pom()


def test_a_failure_is_shown_shortened() -> None:
    """Of a tool's pages of output the first errors are shown, without colours, a line each."""
    pages = "for n in range(50): print('[INFO]', n); print('\\x1b[1m[ERROR]', n, 'x' * 300)"
    with pytest.raises(KafkaNotUp) as failure:
        run_shortly(["python3", "-c", f"exec({pages!r}); raise SystemExit(1)"], "Maven failed:")

    lines = str(failure.value).splitlines()
    assert lines[:2] == ["Maven failed:", f"  [ERROR] 0 {'x' * 300}"[:202]]
    assert len(lines) < 10
    assert "INFO" not in str(failure.value)
