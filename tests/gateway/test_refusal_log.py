"""Refused requests fill no log: one short line a second of a kind, with no word of theirs."""

import json

from structlog.testing import capture_logs

from gateway.errors import ErrorCode
from gateway.refusal_log import RefusalLog, Refused
from tests.gateway.front_door import open_door
from tests.laws.test_rate_laws import Clock

BAD = Refused(ErrorCode.BAD_REQUEST, "r-1")
DEEP = Refused(ErrorCode.QUERY_TOO_LARGE, "r-2", "DEPTH", 20, 15)


def test_a_flood_has_one_line_a_second_of_each_kind() -> None:
    """The first is told at once; the next one after a second tells how many were not."""
    clock, told = Clock(), list[Refused]()
    log = RefusalLog(told.append, clock)

    for _ in range(1000):
        log.note(BAD)
        log.note(DEEP)
    clock.at_s = 1.0
    log.note(BAD)

    assert [(one.code, one.untold_count) for one in told] == [
        (ErrorCode.BAD_REQUEST, 0),
        (ErrorCode.QUERY_TOO_LARGE, 0),
        (ErrorCode.BAD_REQUEST, 999),
    ]


def test_overload_has_lines_of_its_own() -> None:
    """What is shed is told by `shedding_began`, not request by request."""
    told = list[Refused]()

    RefusalLog(told.append, Clock()).note(Refused(ErrorCode.OVERLOADED, "r"))

    assert told == []


async def test_a_line_is_short_whatever_was_sent() -> None:
    """Documents of a hundred kilobytes leave a line of a few hundred bytes, with code and limit."""
    queries = ["{ " + "x" * 100_000 + " }", "{ a" + " a" * 300 + " }", "{ a }" + " " * 200_000]
    async with open_door() as door:
        with capture_logs() as lines:
            for query in queries:
                await door.ask(query, headers={"x-request-id": "r-7"})

    refused = [line for line in lines if line["event"] == "request_refused"]
    assert [line["code"] for line in refused] == [
        "GRAPHQL_VALIDATION_FAILED",
        "QUERY_TOO_LARGE",
        "QUERY_TOO_LARGE",
    ]
    assert [line.get("limit") for line in refused] == [None, "ROOT_FIELDS", "CHARACTERS"]
    assert refused[1]["request_id"] == "r-7"
    assert all(len(json.dumps(line)) < 300 for line in lines)
