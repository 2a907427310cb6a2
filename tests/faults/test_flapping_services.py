"""Services that are ill and well by turns: left alone while they are ill, and back soon after.

Every second a small crowd opens the page at once. The page is demanded live, so that nobody shares
a call, and chance takes nothing from a break: it lasts 5 s, and twice as long each time that
the service falls down again at once, up to 30 s.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from unittest.mock import patch

import httpx
import pytest

from resolvers.upstream.circuit import Circuit
from tests.contracts.twins import UpstreamTwins
from tests.faults.casualties import (
    LIVE_PAGE,
    WHOLE,
    Casualty,
    each_casualty,
    each_single,
)
from tests.faults.misbehaviour import (
    Behaviour,
    answering,
    hanging,
    healthy_answer_of,
    misbehave,
)
from tests.gateway_in_process import GatewayInProcess, now_s, open_composing_gateway, twins_of
from tests.graphql_answers import Answer
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

CROWD_COUNT = 7
CALLS_TO_OPEN = 20
ILL_S, PERIOD_S, FLAPPING_S = 6, 18, 20
BREAK_S = 5.0
ANSWER_S, ATTEMPT_TIMEOUT_S = 0.01, 1.0
BROKEN = answering(httpx.Response(500))

each_behaviour = pytest.mark.parametrize("behaviour", [BROKEN, hanging], ids=["500", "hangs"])

IsIll = Callable[[float], bool]


@dataclass(frozen=True)
class Page:
    """A page, and the second in which it was asked for."""

    second: int
    answer: Answer

    @property
    def is_whole(self) -> bool:
        return bool(self.answer.partial_data == {"order": WHOLE})


def flap(twins: UpstreamTwins, service: str, behaviour: Behaviour, is_ill: IsIll) -> None:
    """Let a service do this while it is ill, and answer in a moment while it is well."""
    answer = healthy_answer_of(twins, service)

    async def answer_by_turns(request: httpx.Request) -> httpx.Response:
        if is_ill(now_s()):
            return await behaviour(request)
        await asyncio.sleep(ANSWER_S)
        return answer(request)

    misbehave(twins, service, answer_by_turns)


async def open_pages(bff: GatewayInProcess, duration_s: int) -> list[Page]:
    """The pages of so many seconds, a crowd each second."""
    pages = []

    async def open_one(second: int) -> None:
        pages.append(Page(second, await bff.ask(LIVE_PAGE)))

    async with asyncio.TaskGroup() as group:
        for second in range(duration_s):
            for _ in range(CROWD_COUNT):
                group.create_task(open_one(second))
            await asyncio.sleep(second + 1 - now_s())
    return pages


@dataclass(frozen=True)
class Story:
    """What was seen of pages and services while some of them flapped."""

    pages: list[Page]
    bff: GatewayInProcess

    def whole_count(self, second: int) -> int:
        return sum(page.is_whole for page in self.pages if page.second == second)

    def codes(self, seconds: Iterable[int]) -> set[str]:
        pages = [page for page in self.pages if page.second in seconds]
        return {code for page in pages for code in page.answer.codes.values()}

    def slowest_s(self, seconds: Iterable[int]) -> float:
        return max(page.answer.elapsed_s for page in self.pages if page.second in seconds)

    def hit_count(self, service: str, seconds: Iterable[int]) -> int:
        return sum(int(hit.at_s) in seconds for hit in self.bff.hits_of(service))

    def first_whole(self, since: int) -> int:
        """The first second from this one on in which anybody is shown the whole page."""
        seconds = sorted({page.second for page in self.pages if page.is_whole})
        return next(second for second in seconds if second >= since)


async def flapping(
    casualty: Casualty, behaviour: Behaviour, is_ill: IsIll, duration_s: int
) -> Story:
    twins = twins_of(*SHOP)
    for service in casualty.services:
        flap(twins, service, behaviour, is_ill)
    settings = {"live_fresh_ms": 0, "stale_if_error_s": 0, "guess_ahead": False}
    async with open_composing_gateway(twins, **settings) as bff:
        return Story(await open_pages(bff, duration_s), bff)


def slowly(at_s: float) -> bool:
    return at_s % PERIOD_S < ILL_S


def quickly(at_s: float) -> bool:
    return at_s < FLAPPING_S and int(at_s) % 2 == 0


@each_behaviour
@each_casualty
async def test_an_ill_service_is_left_alone_and_soon_back(
    casualty: Casualty, behaviour: Behaviour
) -> None:
    """Twenty calls while it is ill; a break and a second after it is well, every page is whole."""
    story = await flapping(casualty, behaviour, slowly, ILL_S + int(BREAK_S) + 2)

    require_left_alone_and_back(story, casualty, began=0)


@each_single
async def test_the_second_time_costs_no_more_than_the_first(casualty: Casualty) -> None:
    """A service that was well for ten seconds between is forgiven: its break is short again."""
    story = await flapping(casualty, BROKEN, slowly, PERIOD_S + ILL_S + int(BREAK_S) + 2)

    require_left_alone_and_back(story, casualty, began=0)
    require_left_alone_and_back(story, casualty, began=PERIOD_S)


def require_left_alone_and_back(story: Story, casualty: Casualty, *, began: int) -> None:
    """One reader of the crowd after the break is the probe; whoever comes later goes through."""
    well = began + ILL_S
    back = story.first_whole(began + 1)
    for service in casualty.services:
        assert story.hit_count(service, range(began, well)) <= CALLS_TO_OPEN
        assert story.hit_count(service, range(well, back)) == 0
        assert story.hit_count(service, [back]) == 1
    assert story.codes(range(well - 3, back)) == {"CIRCUIT_OPEN"}
    assert story.slowest_s(range(well - 3, back)) <= ANSWER_S
    assert well <= back <= well + BREAK_S
    assert story.whole_count(back) == 1
    assert story.whole_count(back + 1) == CROWD_COUNT


@each_behaviour
@each_single
async def test_control_circuits_that_never_open_let_every_page_knock(
    casualty: Casualty, behaviour: Behaviour
) -> None:
    """The control: an ill service is asked by everybody, and a hanging one waited for each time."""
    with patch.object(Circuit, "_open"):
        story = await flapping(casualty, behaviour, slowly, ILL_S)

    assert story.hit_count(casualty.services[0], range(ILL_S)) >= CROWD_COUNT * ILL_S
    late_s = ATTEMPT_TIMEOUT_S if behaviour is hanging else 0.0
    assert story.slowest_s([ILL_S - 1]) >= late_s


@each_single
async def test_who_flaps_quickly_is_given_a_longer_break_and_comes_back(
    casualty: Casualty,
) -> None:
    """Ill every other second for a while: its second break lasts until that has ended."""
    [service] = casualty.services
    story = await flapping(casualty, BROKEN, quickly, FLAPPING_S + 2)

    assert story.hit_count(service, range(0, FLAPPING_S, 2)) <= 2 * CALLS_TO_OPEN
    assert story.first_whole(FLAPPING_S) == FLAPPING_S
    assert story.hit_count(service, [FLAPPING_S]) == 1
    assert story.whole_count(FLAPPING_S + 1) == CROWD_COUNT
