"""Eight sessions write and read at random while feeds are held back and delayed at random.

With its token no session ever goes back behind what it wrote or saw. The same run with the tokens
left at home is the control: there writes are lost from sight, so the first run proves something.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from random import Random

import pytest

from tests.e2e.house import House
from tests.e2e.session import SERVICES, Session
from tests.e2e.session_history import Broken

pytestmark = pytest.mark.e2e

SESSION_COUNT = 8
STEP_COUNT = 25
SEED = 7


@pytest.fixture
def weathered(house: House) -> Iterator[House]:
    """The shared house, with good weather again afterwards."""
    yield house

    for service in SERVICES:
        house.put_faults(service)


def run_sessions(house: House, first_customer: int, *, carries: bool) -> list[Session]:
    """All sessions, each in a thread of its own, until the last has taken its last step."""
    with ExitStack() as clients, ThreadPoolExecutor(SESSION_COUNT) as threads:
        sessions = [
            Session(
                house,
                clients.enter_context(house.shopper(f"session-{number}")),
                f"c-{first_customer + number}",
                Random(SEED + number),
                carries,
            )
            for number in range(SESSION_COUNT)
        ]
        list(threads.map(lambda session: session.run(STEP_COUNT), sessions))
    return sessions


def broken_in(sessions: list[Session]) -> Counter[Broken]:
    """How often each promise was broken, in all sessions."""
    return sum((session.history.broken for session in sessions), Counter())


def test_session_that_carries_its_token_never_goes_back(weathered: House) -> None:
    """With the joined token in hand every read shows at least what was written and seen."""
    sessions = run_sessions(weathered, 151, carries=True)

    assert broken_in(sessions) == Counter()
    assert sum(session.unsatisfied_count for session in sessions) == 0
    assert sum(session.history.read_count for session in sessions) > SESSION_COUNT * STEP_COUNT


def test_session_that_leaves_its_token_at_home_loses_writes(weathered: House) -> None:
    """Without tokens the same run misses its own writes: the weather is bad enough to prove by."""
    sessions = run_sessions(weathered, 161, carries=False)

    assert broken_in(sessions)[Broken.READ_YOUR_WRITES] > 0
