"""Nothing that a client keeps to herself is in a log line, a span or a metric."""

from collections.abc import Mapping

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan

from tests.faults.misbehaviour import answering, misbehave
from tests.gateway.watched import watched_door

pytestmark = pytest.mark.steered_time

MARK = "s3cr3t"
QUERY = (
    "query Q($id: ID!, $key: String) {"
    "  order(id: $id, consistency: {live: true}) { id customer { email } }"
    "  other: customer(id: $id, consistency: {live: true}) { name } }"
)
CHANGE = (
    "mutation M($note: String, $id: ID!) { updateOrder(input: {id: $id, note: $note})"
    " { order { note } userErrors { message } } }"
)

secrets = st.text("abcXYZ019@.+-", max_size=20).map(lambda text: f"{MARK}{text}")
headers = st.dictionaries(
    st.sampled_from(
        [
            *("authorization", "cookie", "x-consistency-token", "x-api-key", "user-agent"),
            *("x-forwarded-for", "referer", "traceparent", "tracestate", "origin"),
        ]
    ),
    secrets,
)


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    headers=headers,
    id_=secrets,
    note=secrets,
    query=st.sampled_from([QUERY, CHANGE, "{ nonsense }", "{"]),
    is_down=st.booleans(),
)
async def test_what_a_client_keeps_to_herself_is_told_nobody(
    *, headers: Mapping[str, str], id_: str, note: str, query: str, is_down: bool
) -> None:
    """Not her headers, not her variables, not what her services know of her, however it ends."""
    async with watched_door(retries=0) as (door, seen):
        if is_down:
            misbehave(door.twins, "orders", answering(httpx.Response(500, text=note)))
        await door.ask(query, {"id": id_, "note": note}, headers)
        shown = (await door.client.get("/metrics")).text

    assert seen.spans
    assert len(seen.lines) == 1
    for text in (seen.text, shown, *map(everything, seen.spans)):
        assert MARK not in text


async def test_control_what_is_told_of_a_client_is_found() -> None:
    """The control: her operation's name is told, and the search finds it in both."""
    async with watched_door() as (door, seen):
        await door.ask(f"query {MARK} {{ __typename }}")

    assert MARK in seen.text
    assert any(MARK in everything(span) for span in seen.spans)


def everything(span: ReadableSpan) -> str:
    """All that a collector is told of a span."""
    text: str = span.to_json()
    return text
