"""Connections between requests: kept for as long as that is said, whatever came before."""

from tests.gateway.front_door import TYPENAME
from tests.gateway.guarded_lines import SHORT_S, guarded, posted

LONG_S = 100 * SHORT_S


async def test_a_body_that_ends_after_its_answer_leaves_an_idle_connection() -> None:
    """Nobody read it; once it is here the connection waits for a request, and not for ever."""
    request = posted(path="/nothing")
    async with guarded(idle_timeout_s=SHORT_S) as gate, gate.line() as line:
        await line.send(request[:-5])
        answer = await line.answer()
        await line.send(request[-5:])
        is_cut = await line.is_cut()

    assert answer.status == 404
    assert is_cut


async def test_half_a_head_behind_a_request_has_the_time_of_a_head() -> None:
    """In one piece with what is answered at once, it is no idle connection, and is told why."""
    async with (
        guarded(idle_timeout_s=SHORT_S, head_timeout_s=4 * SHORT_S) as gate,
        gate.line() as line,
    ):
        await line.send(posted())
        await line.answer()
        await line.send(posted() + posted()[:20])
        first = await line.answer()
        second = await line.answer()

    assert first.status == 200
    assert (second.status, second.code) == (408, "HEAD_TIMEOUT")


async def test_control_an_idle_connection_is_kept_as_long_as_is_said() -> None:
    """With more time the next request is answered on it."""
    async with guarded(idle_timeout_s=LONG_S) as gate, gate.line() as line:
        await line.send(posted())
        first = await line.answer()
        await line.send(posted())
        second = await line.answer()

    assert (first.status, second.status) == (200, 200)
    assert TYPENAME in posted()
