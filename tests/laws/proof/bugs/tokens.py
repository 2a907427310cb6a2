"""Bugs in the token: how it is joined, bound, handed out, and held against the world."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from functools import partial
from unittest.mock import patch

from graphql import ExecutionResult
from msgspec.structs import replace

from gateway.admission.bills import Cost
from gateway.caller import Caller
from gateway.operation import Operations
from gateway.response import Response
from projections import token_codec
from projections.token import ConsistencyToken, FloorKey, Seen, View
from projections.token_codec import TokenKey
from projections.versions import AggregateKey
from resolvers.context import OperationContext
from tests.laws.proof.bugs.seeded import Bug
from tests.laws.proof.bugs.stage import CUSTOMERS, ORDERS, Stage
from tests.laws.proof.violations import Law
from tests.laws.proof.world.asking import Mode, annotate, rename
from tests.laws.proof.world.sessions import Carry, Session

# Of several tokens the last one is right.


def last_wins(*tokens: ConsistencyToken) -> ConsistencyToken:
    joined = ConsistencyToken()
    for token in tokens:
        joined = ConsistencyToken(
            {**joined.entries, **token.entries},
            {**joined.marks, **token.marks},
            {**joined.floor, **token.floor},
            {**joined.doubts, **token.doubts},
            joined.uncertain | token.uncertain,
        )
    return joined


class LatestFirst(Session):
    """A client that sends all its tokens, those it was given last before the others."""

    def sends(self, carry: Carry, foreign: str | None) -> list[str]:
        return super().sends(carry, foreign)[::-1]


def sends_the_latest_first(stage: Stage) -> None:
    stage.run.sessions[0] = LatestFirst("session 1")
    stage.annotates(1, "o-1")
    stage.annotates(1, "o-1")
    stage.ships(ORDERS)
    stage.applies(ORDERS)
    stage.reads(1, "o-1", carry=Carry.ALL)


# A token is good for everybody.


def mac_for_everybody() -> AbstractContextManager[object]:
    mac = token_codec._mac

    def mac_of_body(key: TokenKey, subject: str, body: bytes) -> bytes:
        return mac(key, "", body)

    return patch.object(token_codec, "_mac", mac_of_body)


def sends_a_token_of_another(stage: Stage) -> None:
    stage.annotates(1, "o-1")
    stage.reads(2, "o-1", carry=Carry.FOREIGN)


# Where anything failed there is no token.


def no_token_after_a_failure() -> AbstractContextManager[object]:
    respond = Operations._respond

    async def respond_or_fail(
        self: Operations,
        result: ExecutionResult,
        context: OperationContext,
        caller: Caller,
        cost: Cost,
    ) -> Response:
        payloads = (result.data or {}).values()
        has_failed = any(isinstance(p, dict) and p.get("userErrors") for p in payloads)
        response = await respond(self, result, context, caller, cost)
        return replace(response, token=None) if result.errors or has_failed else response

    return patch.object(Operations, "_respond", respond_or_fail)


def second_write_fails(stage: Stage) -> None:
    changes = annotate("o-1", "n"), rename("c-99", "Bob")
    stage.writes(1, "annotates o-1 and renames nobody", *changes)
    stage.reads(1, "o-1")


# A floor is taken for reached.


def always_reached(view: View, log: FloorKey, seen: Seen) -> bool:
    return True


def store_loses_what_was_seen(stage: Stage) -> None:
    stage.annotates(1, "o-1")
    stage.ships(ORDERS)
    stage.applies(ORDERS)
    stage.reads(2, "o-1")
    store = stage.house.store
    stage.happens("the store comes back without its last writes", lambda: store.lose_writes(2))
    stage.reads(2, "o-1")


def reached_by_offset(view: View, log: FloorKey, seen: Seen) -> bool:
    place = view.place_of(log.type, log.partition)
    return place is not None and place.offset >= seen.offset


def topic_is_another(stage: Stage) -> None:
    topic = stage.service(ORDERS).topic
    stage.annotates(1, "o-1")
    stage.brings(ORDERS)
    stage.reads(2, "o-1")
    stage.happens("the topic of orders is made again", topic.make_again)
    stage.applies(ORDERS)
    stage.ships(ORDERS, count=3)
    for _ in range(4):
        stage.beats(ORDERS)
    stage.applies(ORDERS)
    stage.reads(2, "o-1")


# A doubt about one write is held against the next.


def doubts_of_any(tokens: Collection[ConsistencyToken]) -> dict[AggregateKey, int]:
    doubts: dict[AggregateKey, int] = {}
    for token in tokens:
        doubts.update(token.doubts)
    return doubts


def writes_again_what_was_denied(stage: Stage) -> None:
    orders = stage.service(ORDERS)
    stage.places(1, at="B")
    stage.happens("orders are read from a copy, which takes 0.1 s", lambda: read_a_slow_copy(stage))
    stage.reads(1, "n-1", mode=Mode.IMPATIENT)
    stage.happens("orders cannot be reached", orders.cut)
    stage.passes(0.2)
    stage.happens("orders are well", orders.recover)
    stage.passes(3.0)
    stage.brings(ORDERS, CUSTOMERS)
    stage.annotates(1, "n-1")
    stage.reads(1, "n-1")


def read_a_slow_copy(stage: Stage) -> None:
    stage.service(ORDERS).fall_behind()
    stage.service(ORDERS).slow_down(0.1)


BUGS = (
    Bug(
        name="merge = last wins",
        told="Of the tokens of a request each takes the place of those before it.",
        patch=partial(patch, "resolvers.tokens.merge", last_wins),
        story=sends_the_latest_first,
        law=Law.READ_YOUR_WRITES,
    ),
    Bug(
        name="token lost when a later root fails",
        told="An operation of which a part has failed brings no token.",
        patch=no_token_after_a_failure,
        story=second_write_fails,
        law=Law.READ_YOUR_WRITES,
    ),
    Bug(
        name="subject not in the MAC",
        told="A token is signed, but not for whom.",
        patch=mac_for_everybody,
        story=sends_a_token_of_another,
        law=Law.TOKEN,
    ),
    Bug(
        name="floors ignored",
        told="Every store has reached what its reader had seen.",
        patch=partial(patch, "projections.token.has_reached", always_reached),
        story=store_loses_what_was_seen,
        law=Law.MONOTONIC_READS,
    ),
    Bug(
        name="a floor of another log compared by offset",
        told="A topic that was made again is as far as its offset says.",
        patch=partial(patch, "projections.token.has_reached", reached_by_offset),
        story=topic_is_another,
        law=Law.MONOTONIC_READS,
    ),
    Bug(
        name="doubt survives a new write",
        told="A doubt stays with an aggregate that has been written since.",
        patch=partial(patch, "projections.token._shared_doubts", doubts_of_any),
        story=writes_again_what_was_denied,
        law=Law.READ_YOUR_WRITES,
    ),
)
