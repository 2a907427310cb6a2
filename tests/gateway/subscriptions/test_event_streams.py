"""graphql-sse, one connection for each operation: its events, its ends and its refusals."""

import pytest

from tests.gateway.front_door import A_MUTATION, A_QUERY
from tests.gateway.subscriptions.live_house import FOLLOW, Json, Stream, open_house, until
from tests.resolvers.upstream.builders import an_order

O_1 = {"id": "o-1"}


async def body_of(stream: Stream) -> str:
    return (await stream.reader.readexactly(int(stream.headers["content-length"]))).decode()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_query_has_one_event_and_is_complete(method: str) -> None:
    """Operations of one result end with `complete`, and the stream with them."""
    async with open_house() as house, house.stream(A_QUERY, None, method=method) as stream:
        result = await stream.result()
        end = await stream.next()
        with pytest.raises(EOFError):
            await stream.chunk()

    assert result["data"] == {"order": {"id": "o-1"}}
    assert end["event"] == "complete"


async def test_mutations_go_by_post_alone() -> None:
    """By GET nothing is written, over streams as well; and its refusal ends nobody else."""
    async with open_house() as house:
        async with house.stream(A_MUTATION, None, method="POST") as stream:
            written = await stream.result()
        async with house.stream(A_MUTATION, None, method="GET") as refused:
            status = refused.status
        async with house.stream(A_MUTATION, None, method="POST") as again:
            still = await again.result()

    assert still["data"] == written["data"]
    assert written["data"] == {"updateOrder": {"order": {"note": "gift"}}}
    assert status == 405


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        (
            'subscription { orderChanged(id: "o-1", after: "x") { id } }',
            "INVALID_CONSISTENCY_TOKEN",
        ),
    ],
)
async def test_a_document_that_cannot_be_run_is_an_event(query: str, code: str) -> None:
    """`EventSource` tells nobody what a status says, so errors of documents are results."""
    async with open_house() as house, house.stream(query) as stream:
        result = await stream.result()
        end = await stream.next()

    assert stream.status == 200
    assert result["errors"][0]["extensions"]["code"] == code
    assert end["event"] == "complete"


async def test_what_is_no_request_has_its_status() -> None:
    """What is not a GraphQL request at all is refused as any other."""
    async with open_house() as house, house.stream("") as stream:
        body = await body_of(stream)

    assert stream.status == 400
    assert "BAD_REQUEST" in body


async def test_a_subscription_without_a_stream_is_told_how_to_follow() -> None:
    """Asked for as JSON it is 406: nothing was run."""
    async with open_house() as house:
        response = await house.door.ask(FOLLOW, O_1)

    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_too_many_streams_are_told_to_come_later() -> None:
    """503 with `Retry-After`, and who is there stays."""
    async with open_house(live_connections=1) as house, house.stream(FOLLOW, O_1) as first:
        await first.result()
        async with house.stream(FOLLOW, O_1) as second:
            body = await body_of(second)
        await house.change(an_order(version=2))
        assert await first.result()

    assert second.status == 503
    assert second.headers["retry-after"] == "1"
    assert "OVERLOADED" in body


async def test_a_stream_says_when_to_come_back_and_that_it_lives() -> None:
    """The first words are the pause before a reconnect; comments keep what stands between awake."""
    async with open_house(live_ping_s=1.0) as house, house.stream(FOLLOW, O_1) as stream:
        first = await stream.chunk()
        await stream.result()
        sign = await stream.chunk()

    assert 500 <= int(first["retry"]) <= 1_500
    assert sign == {"": ""}


async def test_who_leaves_is_forgotten() -> None:
    """A stream whose client has gone follows nothing."""
    async with open_house() as house:
        counts = house.door.gateway.live.counts
        async with house.stream(FOLLOW, O_1) as stream:
            await stream.result()
            while_there = counts.following_count
        await until(lambda: not counts.connections["sse"])

    assert while_there == 1
    assert counts.following_count == 0


async def test_a_mistake_of_ours_is_an_event_that_says_no_more() -> None:
    """What goes wrong inside is logged, and told as INTERNAL_ERROR."""
    async with open_house() as house:
        live: Json = house.door.gateway.live._live
        live._desk = None
        async with house.stream(FOLLOW, O_1) as stream:
            result = await stream.result()

    assert result["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"


OF_URQL = (
    "accept: application/graphql-response+json, application/graphql+json, application/json, "
    "multipart/mixed"
)


@pytest.mark.parametrize("beside", ["accept: application/json", OF_URQL])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_accepts_both_is_streamed_subscriptions_alone(beside: str, method: str) -> None:
    """Some clients accept events for whatever they ask: a query of theirs is no stream."""
    async with open_house() as house:
        async with house.stream(A_QUERY, None, beside, method=method) as asked:
            answer = await body_of(asked)
        async with house.stream(FOLLOW, O_1, beside, method=method) as followed:
            result = await followed.result()

    assert asked.headers["content-type"].startswith("application/")
    assert "errors" not in answer
    assert followed.headers["content-type"].startswith("text/event-stream")
    assert result["data"]["orderChanged"]["id"] == "o-1"


async def test_who_accepts_both_is_read_by_the_long_way() -> None:
    """No document is parsed before the door and the client's budget, whatever its header says."""
    query = "# subscription follow\n" + A_QUERY
    async with open_house(trusted_proxies=0) as house:
        operations = house.door.gateway.operations
        budgets = house.door.gateway.limits.budgets
        budgets.pay(budgets.open("a:127.0.0.1")._account, 10**9)  # type: ignore[union-attr]
        async with house.stream(query, None, "accept: application/json", method="POST") as asked:
            status = asked.status

    assert status == 429
    assert operations.documents.kept_count == 0
