import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.skipped import last_words

ROOT = Path(__file__).parents[2]


def skipped(reason: str) -> pytest.TestReport:
    """A test that was skipped for this reason."""
    return pytest.TestReport(
        nodeid="test",
        location=("test.py", 1, "test"),
        keywords={},
        outcome="skipped",
        longrepr=("test.py", 1, f"Skipped: {reason}"),
        when="setup",
    )


def test_skipped_kafka_tests_are_counted_and_the_command_is_named() -> None:
    """The last line says how many tests were left out, and the one command that runs them."""
    reports = [skipped("no real Kafka: …"), skipped("no real Kafka of its own: …")]

    *_, last = last_words(reports)

    assert last.startswith("2 tests were skipped: there was no real Kafka.")
    assert last.endswith("make test-kafka")


def test_other_skips_are_not_spoken_of() -> None:
    """A run that has all of Kafka ends without a word about it."""
    assert list(last_words([skipped("no Linux"), object()])) == []


@pytest.mark.parametrize("processes", [["-p", "no:xdist"], ["-n", "2"]])
def test_a_run_ends_with_them(processes: list[str]) -> None:
    """The words stand just before the closing count, once, however many processes ran the tests."""
    command = [sys.executable, "-m", "pytest", "-q", *processes, "tests/servers/test_real_kafka.py"]
    environment = {"PATH": "/usr/bin:/bin"}

    told = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-k", "created_topics"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    *before, words, count = told.stdout.strip().splitlines()
    assert words.startswith("1 test was skipped: there was no real Kafka.")
    assert "1 skipped" in count
    assert not any("test was skipped" in line for line in before)
