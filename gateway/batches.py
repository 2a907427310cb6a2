"""Several requests in one, as a JSON list (GraphQL over HTTP, request batching).

Each is what it would be alone, sent at that moment with the same headers: it takes its own place at
the door, and all run beside each other, writes too. So none sees what another one writes: who needs
that sends the token along, in a request after it. Answers come in the order of their requests, and
their tokens as one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, NamedTuple

from msgspec.structs import replace

from gateway.admission.lanes import lane_of_text
from gateway.caller import Caller
from gateway.entry import Entry
from gateway.errors import ErrorCode, RequestRefused
from gateway.operation import Operations
from gateway.receiving import ClientLeft
from gateway.request import GraphQLRequest, RequestHeaders, request_from
from gateway.request_record import RequestRecord
from gateway.response import Response
from resolvers.tokens import TokenDesk
from resolvers.upstream.deadline import Deadline

OPENS: Final = b"["
_BLANK: Final = b" \t\r\n"


def is_batch(body: bytes) -> bool:
    """Does this body begin as a list?"""
    return body[:1] == OPENS or body[:64].lstrip(_BLANK)[:1] == OPENS


@dataclass(frozen=True, slots=True)
class Batch:
    """A list of requests; who asks, who pays, until when, and the news that she has left."""

    entries: list[object]
    headers: RequestHeaders
    caller: Caller
    key: str | None
    deadline: Deadline
    leaving: asyncio.Task[None]


RunOne = Callable[[GraphQLRequest, Caller], Awaitable[tuple[Response, bool]]]
"""Runs a request that has its place: its answer, and whether it may have written something.

Raises `ClientLeft` and nothing else.
"""


def entries_of(parsed: object, limit: int) -> list[object]:
    """The requests in a list. Raises `RequestRefused` for too many, or for more than requests."""
    entries = parsed if isinstance(parsed, list) else []
    if limit <= 1:
        raise _refused("no list of requests is taken here; send them one by one")
    if not 0 < len(entries) <= limit:
        raise _refused(f"a list has 1 to {limit} requests")
    if not all(isinstance(entry, dict) for entry in entries):
        raise _refused("a list of requests holds nothing but requests")
    return entries


async def run_batch(batch: Batch, run: RunOne, entry: Entry) -> tuple[Response, bool]:
    """All answers as one, and whether any of them may have written something.

    Raises `ClientLeft` when all have ended and nobody is there to be told.
    """
    seats = _Seats(batch, run, entry)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(seats.answer_in_turn(one, turn))
            for turn, one in enumerate(batch.entries)
        ]
    answers = [task.result() for task in tasks]
    given = [answer for answer in answers if answer is not None]
    if len(given) < len(answers):
        raise ClientLeft
    bodies = [answer.body for answer in given]
    token = await _joined([one.token for one in given if one.token], batch.caller, entry.operations)
    return Response(b"[%b]" % b",".join(bodies), token), seats.may_write


class Answer(NamedTuple):
    """One of the answers, and its token."""

    body: bytes
    token: str | None = None


@dataclass(slots=True)
class _Seats:
    """The places of one batch: each of its requests has one of its own."""

    _batch: Batch
    _run: RunOne
    _entry: Entry
    may_write: bool = False

    async def answer_in_turn(self, asked: object, turn: int) -> Answer | None:
        """The answer to one of them, begun so many turns of the loop later.

        To read ten documents takes some 60 ms: others are served in between.
        """
        for _ in range(turn):
            await asyncio.sleep(0)
        return await self.answer(asked)

    async def answer(self, asked: object) -> Answer | None:
        """The answer to one of them; None where its client has left."""
        teller = self._entry.teller
        record = teller.begin(self._batch.headers, self._batch.caller.request_id)
        try:
            response = await self._let_in(request_from(asked), record)
        except ClientLeft:
            teller.left(record, "POST")
            return None
        except RequestRefused as refused:
            return Answer(teller.turned_away_in_part(refused, record, "POST"))
        return Answer(teller.answered_in_part(response, record, "POST"), response.token)

    async def _let_in(self, request: GraphQLRequest, record: RequestRecord) -> Response:
        batch, lane = self._batch, lane_of_text(request.query)
        with self._entry.limits.entered(batch.key) as admitted:
            async with self._entry.door.place(lane, batch.deadline, batch.leaving):
                caller = replace(batch.caller, record=record, admitted=admitted)
                response, may_write = await self._run(request, caller)
        self.may_write |= may_write
        return response


async def _joined(texts: list[str], caller: Caller, operations: Operations) -> str | None:
    """One token that demands what all of these do."""
    if len(set(texts)) < 2:
        return texts[0] if texts else None
    desk = TokenDesk(operations.codec, caller.subject, operations.wall_clock)
    demand = desk.open_all(texts, "X-Consistency-Token")
    return await desk.seal_joined(demand, operations.model)


def _refused(message: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.BAD_REQUEST, ErrorCode.BATCH_REFUSED, message)
