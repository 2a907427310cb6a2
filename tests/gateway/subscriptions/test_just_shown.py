"""An answer is made once for all who have seen the same, and given to nobody else."""

import asyncio
from contextlib import AsyncExitStack
from unittest.mock import patch

import pytest

from gateway.answers_at_hand import AnswersAtHand
from gateway.subscriptions.just_shown import JustShown
from projections.token_codec import Opened, TokenCodec
from tests.builders.rows import order_row
from tests.gateway.identity.bearers import as_staff
from tests.gateway.identity.two_customers import ANN, HERS
from tests.gateway.subscriptions.by_hand import BY_HANDSHAKE, Json, talking
from tests.gateway.subscriptions.live_house import FOLLOW
from tests.gateway.subscriptions.test_identity_of_followers import open_shop
from tests.gateway_in_process import KEYS
from tests.projection_by_hand import wall_clock_s

pytestmark = pytest.mark.steered_time

FOLLOWER_COUNT = 60


async def test_many_followers_cost_one_answer() -> None:
    """Of one order in one state: all are shown it, and it is made once."""
    made = await answers_made()
    with patch.object(JustShown, "find", lambda *_: None):
        control = await answers_made()

    assert made == 1
    assert control == FOLLOWER_COUNT


async def answers_made() -> int:
    """How many answers are made for one change."""
    count = 0
    look = AnswersAtHand.look

    def counted(self: AnswersAtHand, *given: Json) -> Json:
        nonlocal count
        count += 1
        return look(self, *given)

    async with open_shop() as (door, projection), AsyncExitStack() as stack:
        talks = [
            await stack.enter_async_context(
                talking(door, BY_HANDSHAKE, FOLLOW, {"id": HERS}, headers=ANN)
            )
            for _ in range(FOLLOWER_COUNT)
        ]
        for talk in talks:
            await talk.results(1)
        await projection.apply(order_row(HERS, 2))
        for talk in talks:
            await talk.results(1)
        with patch.object(AnswersAtHand, "look", counted):
            await projection.apply(order_row(HERS, 3))
            told = [(await talk.results(1))[0] for talk in talks]
    assert {one["data"]["orderChanged"]["version"] for one in told} == {3}
    return count


async def test_nobody_is_given_the_token_of_another() -> None:
    """Who follows the same order at the same moment has a token of her own."""
    async with open_shop() as (door, projection):  # noqa: SIM117 - read from without to within
        async with (
            talking(door, BY_HANDSHAKE, FOLLOW, {"id": HERS}, headers=ANN) as hers,
            talking(door, BY_HANDSHAKE, FOLLOW, {"id": HERS}, headers=as_staff()) as theirs,
        ):
            for talk in (hers, theirs):
                await talk.results(1)
            await projection.apply(order_row(HERS, 2))
            [own], [other] = [await talk.results(1) for talk in (hers, theirs)]

    assert is_of(own, "customer:c-1:c-1")
    assert is_of(other, "staff::clerk")
    assert not is_of(own, "staff::clerk")


def is_of(result: Json, subject: str) -> bool:
    token = result["extensions"]["consistency"]["token"]
    return isinstance(
        TokenCodec(KEYS).open_token(token, subject, int(wall_clock_s() // 60)), Opened
    )


async def test_what_has_changed_beside_it_is_shown() -> None:
    """A later look finds the state of then, however soon it comes."""
    async with open_shop() as (door, projection):
        versions: list[int] = []
        async with talking(door, BY_HANDSHAKE, FOLLOW, {"id": HERS}, headers=ANN) as talk:
            for version in range(2, 10):
                await talk.results(1)
                await projection.apply(order_row(HERS, version))
                async with talking(door, BY_HANDSHAKE, FOLLOW, {"id": HERS}, headers=ANN) as late:
                    [result] = await late.results(1)
                    versions.append(result["data"]["orderChanged"]["version"])
            await asyncio.sleep(0)

    assert versions == list(range(2, 10))
