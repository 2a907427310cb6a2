"""The token of a session stays short however much it writes, and forgets none of its writes."""

import pytest

from benchmarks.token_sizes import (
    HABITS,
    WRITE_COUNT,
    Habit,
    WritingSession,
    demo_orders,
    naming_length,
    open_session,
    small_lengths,
    stale_ids,
)
from tests.gateway_in_process import pass_time

pytestmark = pytest.mark.steered_time

MARK_OUTLIVED_S = 3.0
SOME = 100
ORDERS = demo_orders(WRITE_COUNT)
IDS = [order.id for order in ORDERS]
ONLY_WRITING = Habit(reads_between=False, is_followed=False)


async def test_few_entries_are_few_characters() -> None:
    """The joined token of one write takes 64, that of an order, a customer and a product 128."""
    one, three = await small_lengths()

    assert one <= 64
    assert three <= 128


@pytest.mark.timeout(180)
@pytest.mark.parametrize("habit", HABITS, ids=str)
async def test_a_thousand_writes_fit_into_1024_characters_and_are_all_read(habit: Habit) -> None:
    """Whether the projection follows or not, no token is longer and no write is forgotten."""
    async with open_session(ORDERS) as session:
        await session.write_all(IDS, habit)

        stale_here = await stale_ids(session.bff, IDS, session.token)
        stale_elsewhere = await stale_ids(session.elsewhere, IDS, session.token)

        assert max(session.lengths) <= 1024
        assert (stale_here, stale_elsewhere) == ([], [])


async def test_a_session_without_its_token_is_shown_what_was_before() -> None:
    """The control: where the projection stands still, nothing but the token tells of the writes."""
    async with open_session(ORDERS[:SOME]) as session:
        await session.write_all(IDS[:SOME], ONLY_WRITING)

        stale = await stale_ids(session.elsewhere, IDS[:SOME], None)

        assert stale == IDS[:SOME]


async def test_naming_every_write_would_not_fit() -> None:
    """The control: what the token says of a thousand writes is not each of them."""
    assert naming_length(ORDERS) > 20 * 1024


async def test_a_full_token_is_short_again_when_the_projection_has_followed() -> None:
    """Entries and marks become the floor of one read; the writes are there without them."""
    async with open_session(ORDERS[:SOME]) as session:
        await session.write_all(IDS[:SOME], ONLY_WRITING)
        full = len(session.token or "")
        await follow(session)

        stale = await stale_ids(session.bff, IDS[:SOME], session.token)
        answer = await session.bff.ask(
            '{ orders(customerId: "c-1", first: 1) { edges { node { id } } } }', token=session.token
        )

        assert stale == []
        assert full > 512
        assert session.bff.opened(answer.token).marks == {}
        assert len(answer.token) <= full


async def follow(session: WritingSession) -> None:
    """The projection catches up, and its proof is later than the marks."""
    await pass_time(MARK_OUTLIVED_S)
    await session.bff.projection.apply(*session.bff.twins.order_shelf.rows.values())
