"""Bugs in what is shown and remembered: live answers, shared answers, absences, budgets."""

import asyncio
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from unittest.mock import patch

from msgspec.structs import replace

from projections.projector import StoredRow
from projections.store import Cut
from projections.versions import AggregateKey, AggregateType, Version
from resolvers import report
from resolvers.answer import Answer, FoundPage
from resolvers.answer_tally import AnswerTally, tally_of
from resolvers.demand import Demand
from resolvers.ladder import Offer
from resolvers.loaders import LiveLoader
from resolvers.order_details import OrderDetails
from resolvers.pages import Listed
from resolvers.projected import Projected
from resolvers.read_path import ReadPath, choose_for_type
from resolvers.stand_ins import StandIns
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.live_demand import Heard, LiveDemand, Question, RowAnswer
from resolvers.upstream.response_cache import ResponseCache
from resolvers.upstream.single_flight import Flight
from tests.laws.proof.bugs.seeded import Bug
from tests.laws.proof.bugs.stage import CUSTOMERS, ORDERS, Stage
from tests.laws.proof.violations import Law
from tests.laws.proof.world.asking import Mode

# What an owner answers is taken for new enough.


def covers_anything(self: LiveDemand, answer: RowAnswer) -> bool:
    return True


def believe_owners() -> AbstractContextManager[object]:
    def missing(*_: object) -> dict[AggregateKey, Version]:
        return {}

    stack = ExitStack()
    stack.enter_context(patch.object(LiveDemand, "is_covered_by", covers_anything))
    stack.enter_context(patch("resolvers.reading._missing", missing))
    return stack


def is_answered_by_a_copy(stage: Stage) -> None:
    stage.has_willing_owners()
    told = "orders are read from a copy that has only what was shipped"
    stage.happens(told, stage.service(ORDERS).fall_behind)
    stage.annotates(1, "o-1", at="B")
    stage.reads(1, "o-1", mode=Mode.IMPATIENT)
    stage.happens("orders are well", stage.service(ORDERS).recover)


# An answer kept for others is shown, whatever is demanded.


async def find_anything_fresh(
    self: ResponseCache, demands: Mapping[Question, LiveDemand]
) -> dict[Question, Heard]:
    kept = dict(zip(demands, await self._memory.held([of.key for of in demands]), strict=True))
    heard = {question: entry.heard for question, entry in kept.items() if entry is not None}
    return {question: told for question, told in heard.items() if self._is_fresh(told)}


def is_shown_what_was_kept(stage: Stage) -> None:
    stage.reads(2, "c-1", mode=Mode.LIVE)
    stage.renames(1, "c-1", at="B")
    stage.reads(1, "c-1", mode=Mode.IMPATIENT)


# A call on its way is joined by whoever asks the same.


def join_any(self: Flight, demand: LiveDemand, *, asked: int, deadline: Deadline) -> bool:
    return deadline.at_s <= self.deadline.at_s


def joins_what_began_before(stage: Stage) -> None:
    orders = stage.service(ORDERS)
    stage.happens("orders take 0.2 s to answer", lambda: orders.slow_down(0.2))
    stage.reads(2, "o-1", mode=Mode.LIVE)
    stage.happens("orders are well", orders.recover)
    stage.annotates(1, "o-1", at="B")
    stage.passes(0.01)
    stage.reads(3, "o-1", mode=Mode.LIVE)
    stage.passes(0.3)


# What was seen live, or seen to be gone, is not remembered.


def remember_nothing(answer: Answer) -> AnswerTally:
    return replace(tally_of(answer), seen={})


def sees_it_at_the_owner_first(stage: Stage) -> None:
    stage.annotates(1, "o-1")
    stage.happens("gateway B cannot reach the store", stage.gateway("B").store.lose)
    stage.reads(2, "o-1", at="B")
    stage.passes(0.5)
    stage.reads(2, "o-1")


def never_shown_again(self: Projected, key: AggregateKey) -> bool:
    return False


def sees_it_gone(stage: Stage) -> None:
    stage.reads(2, "o-1")
    stage.passes(3.0)
    stage.happens("o-1 is deleted", lambda: stage.service(ORDERS).owner.delete("o-1"))
    stage.reads(2, "o-1")
    stage.beats(ORDERS)
    stage.applies(ORDERS)
    stage.reads(2, "o-1", at="B")


def take_as_it_is(self: OrderDetails, live: FoundPage, listed: Listed | None) -> FoundPage:
    return live


def sees_it_off_the_list(stage: Stage) -> None:
    stage.lists(2, at="B", status="PLACED")
    stage.cancels(1, "o-1", at="B")
    stage.happens("gateway A cannot reach the store", stage.gateway("A").store.lose)
    stage.lists(2, at="A", status="PLACED")
    stage.lists(2, at="B", status="PLACED")


# What was asked for by somebody else, a moment ago, is told to be of this moment.


def just_now(self: LiveLoader, key: AggregateKey) -> float:
    return asyncio.get_running_loop().time()


def hears_what_another_was_told(stage: Stage) -> None:
    stage.passes(3.0)
    stage.reads(2, "c-1", mode=Mode.LIVE)
    stage.renames(1, "c-1", at="B")
    stage.passes(0.1)
    stage.reads(3, "c-1")


# A read model is shown however old it is.


def any_age_will_do(
    demand: Demand, aggregate_type: AggregateType, cut: Cut, *, now_s: float, budget_s: float
) -> ReadPath:
    return choose_for_type(demand, aggregate_type, cut, now_s=now_s, budget_s=math.inf)


def nobody_vouches(stage: Stage) -> None:
    stage.passes(3.0)
    stage.reads(1, "c-1")


# What stands in for an owner that fails is not held against the token.


def offer_anything(
    self: StandIns, key: AggregateKey, stored: StoredRow, at_least: Version | None
) -> Offer:
    return Offer(self._age_s(key.type, stored), stored.at)


def cannot_be_asked(stage: Stage) -> None:
    stage.renames(1, "c-1", at="B")
    stage.happens("customers cannot be reached", stage.service(CUSTOMERS).cut)
    stage.passes(3.0)
    stage.reads(1, "c-1")
    stage.passes(1.0)  # until nobody tries again
    stage.happens("customers are well", stage.service(CUSTOMERS).recover)


# An order does not say what its writer had seen.


async def seen_nothing(*_: object) -> dict[AggregateKey, Version]:
    return {}


def order_comes_before_its_customer(stage: Stage) -> None:
    stage.renames(1, "c-1")
    stage.annotates(1, "o-1")
    stage.brings(ORDERS)
    stage.reads(2, "o-1", mode=Mode.CAUSAL)


BUGS = (
    Bug(
        name="live answer not verified",
        told="What an owner answers is taken for new enough, and said to be.",
        patch=believe_owners,
        story=is_answered_by_a_copy,
        law=Law.READ_YOUR_WRITES,
    ),
    Bug(
        name="owner not pressed",
        told="Who is answered with too old a version does not ask again for the one demanded.",
        patch=partial(patch.object, LiveDemand, "is_covered_by", covers_anything),
        story=is_answered_by_a_copy,
        law=Law.TRUTH,
    ),
    Bug(
        name="cached answer ignores the vector",
        told="A live answer that was kept is shown whatever version is demanded.",
        patch=partial(patch.object, ResponseCache, "find", find_anything_fresh),
        story=is_shown_what_was_kept,
        law=Law.READ_YOUR_WRITES,
    ),
    Bug(
        name="single-flight joins an older flight",
        told="Whoever asks joins the call that is on its way, whenever it began.",
        patch=partial(patch.object, Flight, "may_be_joined", join_any),
        story=joins_what_began_before,
        law=Law.NO_SECRET_STALENESS,
    ),
    Bug(
        name="live-observed not added to the token",
        told="What an owner has shown is not in the joined token.",
        patch=partial(patch.object, report, "tally_of", remember_nothing),
        story=sees_it_at_the_owner_first,
        law=Law.MONOTONIC_READS,
    ),
    Bug(
        name="an absence forgotten",
        told="That an owner has said that a known thing is gone is not in the joined token.",
        patch=partial(patch.object, Projected, "may_show", never_shown_again),
        story=sees_it_gone,
        law=Law.MONOTONIC_READS,
    ),
    Bug(
        name="no mark for a list read live",
        told="A live list leaves nothing behind of what it lacks and the projection lists.",
        patch=partial(patch.object, OrderDetails, "_checked", take_as_it_is),
        story=sees_it_off_the_list,
        law=Law.MONOTONIC_READS,
    ),
    Bug(
        name="age of a shared answer not told",
        told="An answer that was kept for a moment is said to be of this moment.",
        patch=partial(patch.object, LiveLoader, "asked_at_s", just_now),
        story=hears_what_another_was_told,
        law=Law.FRESHNESS,
    ),
    Bug(
        name="staleness budget ignored",
        told="A read model is shown by default however long ago it was proven current.",
        patch=partial(patch, "resolvers.projected.choose_for_type", any_age_will_do),
        story=nobody_vouches,
        law=Law.FRESHNESS,
    ),
    Bug(
        name="stale shown although the token demands newer",
        told="Where an owner fails, the projection's row is shown whatever version is demanded.",
        patch=partial(patch.object, StandIns, "_offer", offer_anything),
        story=cannot_be_asked,
        law=Law.READ_YOUR_WRITES,
    ),
    Bug(
        name="causal deps dropped",
        told="A write of an order does not say what its writer has seen.",
        patch=partial(patch, "resolvers.mutation.seen_by_writer", seen_nothing),
        story=order_comes_before_its_customer,
        law=Law.WRITES_FOLLOW_READS,
    ),
)
