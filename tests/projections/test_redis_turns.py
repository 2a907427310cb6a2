"""Questions of one turn of the event loop share a call, and nothing else."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Sequence

import pytest

from projections.errors import StoreUnavailable
from projections.redis_store.turns import Tasks, Turns
from projections.selection import OrderRoot, OrderSelection
from tests.builders.rows import customer_key, customer_row, order_row, product_row
from tests.projections.redis_watched import listening_store
from tests.servers.valkey import Valkey


class Server:
    """Answers each question with its double once it is let, and remembers the calls."""

    def __init__(self) -> None:
        self.calls: list[Sequence[int]] = []
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def ask(self, questions: Sequence[int]) -> Sequence[int]:
        self.calls.append(questions)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return [question * 2 for question in questions]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def turns(server: Server) -> AsyncIterator[Turns[int, int]]:
    """At most three questions a call, and two calls at once."""
    tasks = Tasks()
    async with tasks.open():
        yield Turns(server.ask, tasks, limit=3, flight_limit=2)
        server.may_answer.set()


async def some_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_questions_of_one_turn_share_a_call(server: Server, turns: Turns[int, int]) -> None:
    """Everybody gets his own answer out of one call."""
    server.may_answer.set()

    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(turns.answer(number)) for number in (1, 2, 3)]

    assert [answer.result() for answer in answers] == [2, 4, 6]
    assert server.calls == [[1, 2, 3]]


async def test_calls_are_bounded_in_size_and_number(server: Server, turns: Turns[int, int]) -> None:
    """Who comes when all calls are under way shares the next."""
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(turns.answer(number)) for number in range(8)]
        await some_turns()
        under_way = list(server.calls)
        server.may_answer.set()

    assert under_way == [[0, 1, 2], [3, 4, 5]]
    assert server.calls == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert [answer.result() for answer in answers] == [number * 2 for number in range(8)]


async def test_who_gives_up_takes_nobody_along(server: Server, turns: Turns[int, int]) -> None:
    """A shared call goes on for those who still want their answers."""
    async with asyncio.TaskGroup() as group:
        leaver, stayer = (group.create_task(turns.answer(number)) for number in (1, 2))
        await some_turns()
        leaver.cancel()
        await some_turns()
        server.may_answer.set()

    assert leaver.cancelled()
    assert stayer.result() == 4


async def test_question_given_up_before_its_call_is_not_asked(
    server: Server, turns: Turns[int, int]
) -> None:
    """Nobody is asked on behalf of somebody who has left."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(turns.answer(number)) for number in range(7)]
        await some_turns()
        asked[6].cancel()
        await some_turns()
        server.may_answer.set()

    assert server.calls == [[0, 1, 2], [3, 4, 5]]


async def test_failure_is_told_to_all_aboard_and_nobody_else(
    server: Server, turns: Turns[int, int]
) -> None:
    """Each gets an error of his own, and the next call starts afresh."""
    server.error = StoreUnavailable("gone")
    server.may_answer.set()

    async with asyncio.TaskGroup() as group:
        failed = [group.create_task(failure_of(turns.answer(number))) for number in (1, 2)]
    server.error = None

    errors = [task.result() for task in failed]
    assert [error.reason for error in errors] == ["gone", "gone"]
    assert errors[0] is not errors[1]
    assert await turns.answer(4) == 8


async def failure_of(answer: Awaitable[int]) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as refused:
        await answer
    return refused.value


async def test_nothing_is_asked_of_a_store_that_is_not_open(server: Server) -> None:
    """Before it is opened, and after it is closed, a store is out of reach."""
    turns = Turns(server.ask, Tasks(), limit=3, flight_limit=2)

    with pytest.raises(StoreUnavailable, match="not open"):
        await turns.answer(1)


class TestAgainstTheServer:
    async def test_reads_of_one_turn_are_one_script(self, valkey: Valkey) -> None:
        """Twenty operations that read at once are one call, and each has its own cut."""
        products = OrderSelection(has_products=True)
        async with listening_store(valkey.url) as store:
            rows = [order_row(f"o-{n}", product_ids=(f"p-{n % 3}",)) for n in range(20)]
            await store.heal([*rows, *(product_row(f"p-{n}") for n in range(3))])
            await store.read([])
            before = script_count(valkey)

            async with asyncio.TaskGroup() as group:
                reads = [
                    group.create_task(store.read([OrderRoot(row.id, products)])) for row in rows
                ]
            after = script_count(valkey)

        assert after - before == 1
        for row, read in zip(rows, reads, strict=True):
            product_id = row.items[0].product_id
            assert [key.id for key in read.result().rows] == [row.id, product_id]

    async def test_versions_asked_in_one_turn_are_one_script(self, valkey: Valkey) -> None:
        """All who begin to wait at once look once, and each finds what he asked for."""
        async with listening_store(valkey.url) as store:
            await store.heal([customer_row(f"c-{n}", n + 1) for n in range(20)])
            await store.versions([customer_key()])
            before = script_count(valkey)

            async with asyncio.TaskGroup() as group:
                asked = [
                    group.create_task(
                        store.versions([customer_key(f"c-{n}"), customer_key("c-99")])
                    )
                    for n in range(20)
                ]
            after = script_count(valkey)

        assert after - before == 1
        assert [{key.id: at.number for key, at in task.result().items()} for task in asked] == [
            {f"c-{n}": n + 1} for n in range(20)
        ]


def script_count(valkey: Valkey) -> int:
    """How many scripts the server has run."""
    told = str(valkey.client().info("commandstats"))
    return sum(int(calls) for calls in re.findall(r"cmdstat_evalsha': \{'calls': (\d+)", told))
