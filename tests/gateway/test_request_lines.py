"""The log line of a request: its shape, its bounds, and who has one."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.request import RequestHeaders
from gateway.request_lines import LINES_PER_S, RequestLine, RequestLines
from gateway.request_record import OperationName
from tests.faults.misbehaviour import answering, misbehave
from tests.gateway.front_door import A_MUTATION, A_QUERY, Exchange, a_token, part
from tests.gateway.metered import BODY, LIVE, RAW_JSON
from tests.gateway.test_traces import ROWS
from tests.gateway.watched import watched_door
from tests.graphql_answers import Json

pytestmark = pytest.mark.steered_time

FIELDS = [
    *("event", "level", "timestamp", "request_id", "trace_id", "operation", "type", "way"),
    *("outcome", "status", "codes", "ms", "waited_ms", "calls", "bytes"),
]

LONGEST_BYTES = 2_000


class Page:
    """Lines as they are written, at times that a test tells."""

    def __init__(self, *, is_json: bool = True, are_all_told: bool = True) -> None:
        self.written: list[bytes] = []
        self.now_s = 1_000.0
        self.lines = RequestLines(
            self.written.append,
            is_json=is_json,
            are_all_told=are_all_told,
            now_s=lambda: self.now_s,
        )

    @property
    def told(self) -> list[Json]:
        return [json.loads(line) for line in self.written]


async def test_each_request_has_one_line() -> None:
    """At hand or not, by whatever way, refused or failed: one, and of one shape."""
    async with watched_door(*ROWS) as (door, seen):
        await door.ask("query Page " + LIVE)
        await door.ask(A_QUERY)
        assert door.app.state.graphql.at_once.reply(RequestHeaders.of(RAW_JSON), BODY) is not None
        await door.ask(A_MUTATION)
        await door.ask("{ nonsense }")
        await door.post(b"no json")
        await door.client.put("/graphql")

    lines = seen.lines
    assert all(list(line) == FIELDS for line in lines)
    assert [(line["type"], line["way"], line["outcome"], line["status"]) for line in lines] == [
        ("query", "planned", "ok", 200),
        ("query", "planned", "ok", 200),
        ("query", "at_hand", "ok", 200),
        ("mutation", "referred", "ok", 200),
        ("", "refused", "request_error", 200),
        ("", "refused", "request_error", 400),
        ("", "refused", "request_error", 405),
    ]
    assert lines[0]["operation"] == "Page"
    assert (lines[0]["calls"], lines[1]["calls"]) == (2, 0)
    assert lines[4]["codes"] == ["GRAPHQL_VALIDATION_FAILED"]
    assert all(line["bytes"] > 0 for line in lines)


async def test_an_answer_that_fails_in_part_says_how() -> None:
    """Its codes, how many attempts were made, and that somebody should look."""
    async with watched_door(retries=0) as (door, seen):
        misbehave(door.twins, "customers", answering(httpx.Response(500)))
        await door.ask(LIVE, headers={"x-request-id": "r-7"})

    [line] = seen.lines
    assert (line["request_id"], line["outcome"], line["level"]) == ("r-7", "errors", "warning")
    assert line["codes"] == ["UPSTREAM_UNAVAILABLE"]
    assert line["calls"] == 2


async def test_a_wait_is_told() -> None:
    """How long the projection was waited for, in ms."""
    async with watched_door(*ROWS) as (door, seen):
        await door.ask(A_QUERY, headers={"x-consistency-token": a_token(version=7)})

    assert seen.lines[-1]["waited_ms"] > 100


async def test_a_client_that_leaves_while_it_sends_has_a_line() -> None:
    """Of whom nothing is known but that."""
    async with watched_door() as (door, seen):
        exchange = Exchange([part(b'{"query"', more=True)])
        exchange.leave()
        await exchange.run(door.app)

    [line] = seen.lines
    assert (line["status"], line["way"], line["operation"]) == (0, "refused", "")


@pytest.mark.parametrize(("level", "count"), [("none", 0), ("errors", 1), ("all", 3)])
async def test_which_requests_have_lines_is_a_setting(level: str, count: int) -> None:
    """All, none, or those that somebody may want to look into."""
    async with watched_door(*ROWS, request_log=level) as (door, seen):
        await door.ask(A_QUERY)
        assert door.app.state.graphql.at_once.reply(RequestHeaders.of(RAW_JSON), BODY) is not None
        await door.ask("{ nonsense }")

    assert len(seen.lines) == count


def test_a_flood_of_refusals_is_told_by_its_number() -> None:
    """So many lines a second, and in the next one how many there were besides."""
    page = Page()
    for _ in range(LINES_PER_S + 50):
        page.lines.tell(RequestLine(request_id="r", outcome="request_error", status=503))
    page.now_s += 1.0
    page.lines.tell(RequestLine(request_id="r", way="planned"))

    assert len(page.told) == LINES_PER_S + 2
    assert (page.told[-2]["event"], page.told[-2]["count"]) == ("requests_untold", 50)


def test_what_is_left_untold_is_told_at_the_end() -> None:
    """A flood that ends with the gateway has its number too."""
    page = Page()
    for _ in range(LINES_PER_S + 1):
        page.lines.tell(RequestLine(request_id="r", outcome="request_error", status=503))
    page.lines.close()

    assert page.told[-1]["count"] == 1


def test_answers_are_not_taken_for_a_flood() -> None:
    """The control: what was run has its line, however many there are."""
    page = Page()
    for _ in range(LINES_PER_S * 3):
        page.lines.tell(RequestLine(request_id="r", way="planned"))

    assert len(page.told) == LINES_PER_S * 3


@given(
    st.text("abcXYZ019._-", min_size=1, max_size=64),
    st.text("abcXYZ019_", max_size=5_000),
    st.lists(st.sampled_from(["BAD_USER_INPUT", "UPSTREAM_TIMEOUT"]), max_size=500),
    st.floats(0, 1e6),
    st.booleans(),
)
def test_no_line_is_long(
    request_id: str, name: str, codes: list[str], took_s: float, is_json: bool
) -> None:
    """Whatever clients call their operations and however much fails."""
    page = Page(is_json=is_json)
    page.lines.tell(
        RequestLine(
            request_id=request_id,
            operation=OperationName.of(name, "query"),
            codes=codes,
            outcome="errors",
            took_s=took_s,
        )
    )

    [line] = page.written
    assert len(line) < LONGEST_BYTES
    assert line.count(b"\n") == 1
    assert not is_json or list(page.told[0]) == FIELDS


async def test_a_console_line_is_for_people_who_watch() -> None:
    """Time, status, what was asked, how long, how much, by which way, and the id to ask after."""
    async with watched_door(log_format="console") as (door, seen):
        await door.ask("query Page " + LIVE, headers={"x-request-id": "r-7"})

    words = seen.text.split(" ", 1)[1]
    assert words.startswith("200 query Page: ")
    assert words.endswith("B, planned, 2 calls, r-7\n")
