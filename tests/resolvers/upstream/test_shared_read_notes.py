"""What shared reads note for whoever asked to look."""

import asyncio

import pytest
from msgspec.structs import replace

from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.options import SharingOptions
from tests.resolvers.upstream.builders import a_context
from tests.resolvers.upstream.sharing import LAMP, SHARING, House, lamp, open_house

pytestmark = pytest.mark.steered_time


async def steps_of(house: House) -> list[tuple[str, str, CallStep, str]]:
    """What is noted for one reader of the lamp."""
    log = CallLog()
    await house.shared.read({LAMP: SHARING}, replace(a_context(), log=log))
    return [(note.service, note.about, note.step, note.detail) for note in log.notes]


async def test_who_joins_and_who_finds_is_told_so() -> None:
    """The first reader asks and notes nothing here; the others say how they came by it."""
    async with open_house(lamp(), options=SharingOptions()) as house:
        first, second = (house.group.create_task(steps_of(house)) for _ in range(2))
        await asyncio.wait([first, second])

        third = await steps_of(house)

        assert first.result() == []
        assert [step for _, _, step, _ in second.result()] == [CallStep.JOINED, CallStep.ANSWERED]
        assert third == [("products", "read p-1", CallStep.KEPT, "")]
