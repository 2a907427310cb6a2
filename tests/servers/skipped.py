"""The last words of a run that left tests out: how many, why, and the command that runs them."""

from collections.abc import Iterable, Iterator

import pytest

from tests.servers.real_kafka import COMMAND, WITHOUT_KAFKA


def last_words(skipped: Iterable[object]) -> Iterator[str]:
    """Two lines when tests were skipped for want of real Kafka; none otherwise."""
    count = sum(WITHOUT_KAFKA in reason_of(report) for report in skipped)
    if count:
        tests = "1 test was" if count == 1 else f"{count} tests were"
        yield ""
        yield f"{tests} skipped: there was no real Kafka. To run what was left out:  {COMMAND}"


def reason_of(report: object) -> str:
    """Why this report says that its test was skipped; empty if it says nothing."""
    if isinstance(report, pytest.TestReport) and isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    return ""
