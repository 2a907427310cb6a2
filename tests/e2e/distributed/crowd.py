"""Sessions that run while something happens to the house, and what they have seen of it."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.e2e.distributed.roaming import Roamer
from tests.e2e.processes import NeverHappened, eventually
from tests.e2e.session_history import Broken
from tests.e2e.shopper import ANSWER_LIMIT_S, Shopper, quiet_client

SEED: Final = 11
PACE_S: Final = 0.01
"""Between two steps of a session: the machine has other things to do meanwhile."""

STEPS_LIMIT_S: Final = 2 * ANSWER_LIMIT_S
"""Longer than a session waits for an answer, so that one which never came is told as that."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """All sessions; their numbers may be read while they run."""

    sessions: Sequence[Roamer]
    lives: Sequence[Future[None]]

    @property
    def step_count(self) -> int:
        return sum(session.step_count for session in self.sessions)

    @property
    def broken(self) -> Counter[Broken]:
        """How often each promise was broken."""
        return sum((session.history.broken for session in self.sessions), Counter())

    @property
    def failures(self) -> list[str]:
        """What must never be: unanswered requests, mistakes of ours, statuses from 500 on."""
        return [failure for session in self.sessions for failure in session.failures]

    @property
    def errors(self) -> Counter[str]:
        """Every code that was answered."""
        return sum((session.errors for session in self.sessions), Counter())

    @property
    def unsatisfied_count(self) -> int:
        """Answers without an error that were older than demanded."""
        return sum(session.unsatisfied_count for session in self.sessions)

    @property
    def slowest_s(self) -> float:
        return max(session.slowest_s for session in self.sessions)

    @property
    def placed(self) -> dict[str, list[str]]:
        """The orders that each customer was told to have placed."""
        return {session.customer_id: session.placed for session in self.sessions}

    def go_on_for(self, seconds: float) -> None:
        """Return after this time, in which the sessions do what they do."""
        time.sleep(seconds)

    def take_steps(self, count: int) -> None:
        """Return when the sessions have taken so many steps more, together.

        Raises what ended a session before its time, and `NeverHappened`.
        """
        before = self.step_count

        def taken() -> bool:
            for ended in [life for life in self.lives if life.done()]:
                ended.result()
            return self.step_count >= before + count

        try:
            eventually(taken, about=f"{count} more steps of the sessions", within_s=STEPS_LIMIT_S)
        except NeverHappened as never:
            raise NeverHappened(f"{never}; {self._told(self.step_count - before)}") from None

    def _told(self, taken_count: int) -> str:
        """What is worth knowing of sessions that were too slow."""
        return (
            f"they took {taken_count}, the slowest answer ever {self.slowest_s:.1f} s, "
            f"errors {dict(self.errors)}, failures {self.failures}"
        )


@contextmanager
def running_crowd(
    addresses: Sequence[str], customer_ids: Sequence[str], *, carries: bool = True
) -> Iterator[Crowd]:
    """A session for each customer, in a thread of its own, until the block ends.

    Each begins at another gateway and goes on to the next one with every step.
    """
    is_over = threading.Event()

    def live(session: Roamer) -> None:
        while not is_over.wait(PACE_S):
            session.step()

    with ExitStack() as clients, ThreadPoolExecutor(len(customer_ids)) as threads:
        sessions = [
            Roamer(
                [
                    Shopper(clients.enter_context(quiet_client(address)), f"session-{number}")
                    for address in rotated(addresses, number)
                ],
                customer_id,
                Random(SEED + number),
                carries,
            )
            for number, customer_id in enumerate(customer_ids)
        ]
        lives = [threads.submit(live, session) for session in sessions]
        try:
            yield Crowd(sessions, lives)
        finally:
            is_over.set()
            for ended in lives:  # one that broke off may be why something else never happened
                ended.result()


def rotated(addresses: Sequence[str], by: int) -> list[str]:
    """The same addresses, beginning at another one."""
    first = by % len(addresses)
    return [*addresses[first:], *addresses[:first]]
