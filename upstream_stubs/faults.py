"""Faults on demand: the service misbehaves exactly as its rules say, at its outermost layer.

The rule: a fault strikes before the service sees the request (``dropAnswer`` and ``cutBody``: after
it has done its work), so what was refused, hung or failed had no effect. ``/admin``, ``/livez`` and
``/readyz`` are never struck. Pure ASGI, so that nothing between the server and here repairs what is
broken on purpose.
"""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Annotated, Final, Protocol, assert_never, runtime_checkable

from fastapi import APIRouter, Depends, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from upstream_stubs.bodies import replaying
from upstream_stubs.database import Bell
from upstream_stubs.fault_rules import Ending, Failure, FaultPlan, FaultRule, FaultSet, draw_plan
from upstream_stubs.feed import Feed
from upstream_stubs.problems import problem_response
from upstream_stubs.request_parsing import body_of

EXEMPT_PATHS: Final = ("/admin", "/livez", "/readyz")
DRIP_COUNT: Final = 20
"""A slow body leaves in this many pieces."""

NO_FAULTS: Final = FaultSet(seed=1, rules=())
REFUSE_ALL: Final = FaultSet(seed=1, rules=(FaultRule(path="/", refuse=True),))


def seeded(faults: FaultSet) -> Random:
    """The chances of these faults, from their beginning."""
    return Random(faults.seed)


class Faults:
    """The rules in force in one service.

    ``request_counts``: how many requests each rule has covered, struck or not.
    """

    def __init__(self, feed: Feed) -> None:
        self.changed = Bell()
        self.present = NO_FAULTS
        self.request_counts: list[int] = []
        self._feed = feed
        self._random = seeded(NO_FAULTS)

    def replace(self, faults: FaultSet) -> None:
        """Put these rules in force, start their chances anew, and wake the requests that hang."""
        self.present = faults
        self.request_counts = [0 for _ in faults.rules]
        self._random = seeded(faults)
        if faults.holds_events:
            self._feed.hold()
        else:
            self._feed.release()
        self.changed.ring()

    def draw(self, method: str, path: str) -> FaultPlan:
        """The next request's fate."""
        for place, rule in enumerate(self.present.rules):
            self.request_counts[place] += rule.covers(method, path)
        return draw_plan(self.present, method, path, self._random)


class FaultyApp:
    """The application, as far as the faults let requests reach it and answers leave it."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(EXEMPT_PATHS):
            await self._app(scope, receive, send)
            return
        while True:
            change = self._faults.changed.next_ring()
            plan = self._faults.draw(scope["method"], scope["path"])
            await asyncio.sleep(plan.delay_s)
            if plan.ending is not Ending.HANG:
                break
            request = await receive()
            if not await comes_before_leaving(change, receive):
                return
            receive = replaying(request, receive)
        await self._end(plan, scope, receive, send)

    async def _end(self, plan: FaultPlan, scope: Scope, receive: Receive, send: Send) -> None:
        match plan.ending:
            case None | Ending.HANG:
                answer_to = dripping(send, plan.slow_body_s) if plan.slow_body_s else send
                await self._app(scope, receive, answer_to)
            case Ending.REFUSE:
                await drop_connection(receive, send)
            case Ending.DROP_ANSWER:
                await self._app(scope, receive, swallow)
                await drop_connection(receive, send)
            case Ending.CUT_BODY:
                answer: list[Message] = []
                await self._app(scope, receive, keeping(answer))
                await send_half(answer, send)
                await drop_connection(receive, send)
            case Ending.MALFORMED:
                await json_text('{"this is not')(scope, receive, send)
            case Ending.WRONG_SCHEMA:
                await json_text('{"shape": "of something else"}')(scope, receive, send)
            case Failure() as failure:
                await render_failure(failure)(scope, receive, send)
            case _:
                assert_never(plan.ending)


def json_text(text: str) -> Response:
    """An answer with status 200 that claims to be JSON."""
    return Response(text, media_type="application/json")


def render_failure(failure: Failure) -> Response:
    """The answer that a rule asked for."""
    detail = "a fault rule of /admin/faults asked for this"
    response = problem_response("fault-injected", failure.status, "A fault on demand", detail)
    if failure.retry_after_s is not None:
        response.headers["Retry-After"] = str(failure.retry_after_s)
    return response


async def until_client_leaves(receive: Receive) -> None:
    """Return once the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def comes_before_leaving(event: asyncio.Event, receive: Receive) -> bool:
    """Wait for the event (True) or for the client's leaving (False), whichever is first."""
    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(until_client_leaves(receive))
        coming = group.create_task(event.wait())
        leaving.add_done_callback(lambda _: coming.cancel())
        coming.add_done_callback(lambda _: leaving.cancel())
    return not coming.cancelled()


@runtime_checkable
class Abortable(Protocol):
    """A server's connection."""

    def abort(self) -> None: ...


async def drop_connection(receive: Receive, send: Send) -> None:
    """End the connection without an answer.

    ASGI has no word for it, so this looks through uvicorn's ``send`` at the connection behind it.
    Without one (in process) it raises ConnectionResetError, as a client would see it.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if not isinstance(transport, Abortable):
        raise ConnectionResetError("the connection was dropped on demand")
    transport.abort()
    # Until the server knows, it would take a silent return for a failure and try to answer.
    await until_client_leaves(receive)


async def swallow(message: Message) -> None:
    """Send nothing."""


def keeping(answer: list[Message]) -> Send:
    """Send nothing yet; it goes into ``answer``."""

    async def keep(message: Message) -> None:
        answer.append(message)

    return keep


async def send_half(answer: list[Message], send: Send) -> None:
    """Send the head, which tells the length of the whole body, and half of the body."""
    start, *parts = answer
    body = b"".join(part.get("body", b"") for part in parts)
    await send(start)
    half = body[: len(body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


def dripping(send: Send, over_s: float) -> Send:
    """As ``send``, but each part of the body leaves in pieces over this time."""

    async def drip(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        for piece in pieces(message.get("body", b"")):
            await asyncio.sleep(over_s / DRIP_COUNT)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({**message, "body": b""})

    return drip


def pieces(body: bytes) -> Iterator[bytes]:
    """The body in ``DRIP_COUNT`` pieces, some of which may be empty."""
    bounds = [len(body) * place // DRIP_COUNT for place in range(DRIP_COUNT + 1)]
    return (body[start:end] for start, end in pairwise(bounds))


def faults_router(faults: Faults) -> APIRouter:
    """``GET``, ``PUT`` and ``DELETE /admin/faults``, and how often its rules were met."""
    router = APIRouter()

    @router.get("/admin/faults")
    async def read() -> Response:
        return Response(faults.present.render(), media_type="application/json")

    @router.get("/admin/faults/counts")
    async def count() -> dict[str, list[int]]:
        return {"requestCounts": faults.request_counts}

    @router.put("/admin/faults")
    async def replace(fault_set: Annotated[FaultSet, Depends(body_of(FaultSet))]) -> Response:
        faults.replace(fault_set)
        return await read()

    @router.delete("/admin/faults")
    async def clear() -> Response:
        faults.replace(NO_FAULTS)
        return Response(status_code=204)

    return router
