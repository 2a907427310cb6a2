"""The proof over real processes: many sessions, faults from all sides, every law at the end."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

from projections.token_codec import TokenCodec, TokenKeys
from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.distributed_house import DistributedHouse, running_distributed_house
from tests.e2e.distributed.log_oracle import SERVICES
from tests.e2e.distributed.stored_rows import read_stored
from tests.e2e.processes import NeverHappened
from tests.laws.proof.history import Commit, History, Operation, Write
from tests.laws.proof.owners import Owners
from tests.laws.proof.real.ledger import holdings_of, read_commits
from tests.laws.proof.real.notebook import Notebook
from tests.laws.proof.real.session import Session
from tests.laws.proof.real.weather import Weather
from tests.laws.proof.real.wire import Wire, open_wire
from tests.laws.proof.verdict import as_if_carried, violations_of
from tests.laws.proof.violations import Law, Violation
from tests.servers.kafka_records import read_records
from tests.servers.mock_kafka import running_mock_kafka

PARTITION_COUNT: Final = 2
PROJECTOR_COUNT: Final = 2
CUSTOMER_COUNT: Final = 8
WAIT_CAP_S: Final = 0.25
SETTINGS: Final = {"BFF_WAIT_CAP_MS": f"{WAIT_CAP_S * 1000:.0f}"}
WAKES_LATE_S: Final = 0.5
"""A process that is due may find both cores taken: that much later than it should it looks up."""

SLACK_S: Final = 0.005
"""Instants of the contract are whole milliseconds, and so are ages."""


@contextmanager
def running_house_to_prove(folder: Path) -> Iterator[DistributedHouse]:
    """Three services, Kafka, Redis, two projectors and two gateways, all of them processes."""
    with running_mock_kafka() as kafka:
        for service in SERVICES:
            kafka.create_named_topic(f"{service}.events", PARTITION_COUNT)
        with running_distributed_house(
            folder, kafka, settings=SETTINGS, projector_count=PROJECTOR_COUNT
        ) as house:
            yield house


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done. ``carries``: sessions send their tokens; the control leaves them at home.

    ``pace_s``: how long a session rests between two steps, on average.
    """

    seed: int = 1
    operation_count: int = 20_000
    session_count: int = 32
    carries: bool = True
    pace_s: float = 0.25


@dataclass(frozen=True, slots=True)
class Proof:
    """What was done and seen. ``failures`` are answers that must never be given, whatever struck.

    ``lived_s``: how long the sessions ran; ``judged_s``: what reading the logs and judging took.
    """

    plan: Plan
    history: History
    violations: Sequence[Violation]
    failures: Sequence[str]
    struck: Mapping[str, int]
    lived_s: float
    judged_s: float

    @property
    def is_kept(self) -> bool:
        """Was every promise kept?"""
        return not (self.violations or self.failures)


@dataclass(slots=True)
class Run:
    """One run over a house that is well, and is left well."""

    house: DistributedHouse
    plan: Plan
    notebook: Notebook
    is_over: threading.Event = field(default_factory=threading.Event)

    async def live(self) -> None:
        """All sessions, until they have done all operations together."""
        async with open_wire(self.house.addresses) as wire, asyncio.TaskGroup() as group:
            for number in range(self.plan.session_count):
                group.create_task(self._go_on(self._session(number, wire)))

    def _session(self, number: int, wire: Wire) -> Session:
        return Session(
            name=f"s-{number + 1}",
            customer_id=f"c-{1 + number % CUSTOMER_COUNT}",
            wire=wire,
            notebook=self.notebook,
            random=Random(f"{self.plan.seed} session {number}"),
            carries=self.plan.carries,
        )

    async def _go_on(self, session: Session) -> None:
        while len(self.notebook.operations) < self.plan.operation_count:
            if self.is_over.is_set():
                return
            await session.step()
            await asyncio.sleep(session.random.uniform(0, 2 * self.plan.pace_s))


def prove(
    house: DistributedHouse, plan: Plan, on_operation: Callable[[], object] = lambda: None
) -> Proof:
    """Let the sessions live under faults, wait until all has arrived, and judge."""
    codec = TokenCodec(TokenKeys.parse(house.settings["BFF_TOKEN_KEYS"]))
    notebook = Notebook(codec, WAIT_CAP_S, WAKES_LATE_S, on_operation)
    weather = Weather(house, plan.seed)
    began_at_s = time.monotonic()
    with weather.blowing():
        asyncio.run(Run(house, plan, notebook, weather.is_over).live())
    lived_s = time.monotonic() - began_at_s
    house.make_whole()
    history, violations = judged(house, notebook, carries=plan.carries)
    judged_s = time.monotonic() - began_at_s - lived_s
    return Proof(plan, history, violations, notebook.failures, weather.struck, lived_s, judged_s)


def judged(
    house: DistributedHouse, notebook: Notebook, *, carries: bool
) -> tuple[History, list[Violation]]:
    """What was noted beside what was committed, and every promise that it breaks."""
    unsettled = _unsettled(house)
    records = {
        service: read_records(house.kafka.address, f"{service}.events") for service in SERVICES
    }
    commits = tuple(read_commits(records, notebook.logs))
    operations = tuple(with_repetitions(notebook.operations, commits))
    history = History(operations=operations, commits=commits, slack_s=SLACK_S)
    if not carries:
        history = as_if_carried(history)
    holdings = holdings_of(read_stored(house.valkey.url, house.prefix))
    return history, [*unsettled, *violations_of(history, holdings=holdings)]


def _unsettled(house: DistributedHouse) -> list[Violation]:
    """What the audit of log, services and Redis finds, once there was time for all to arrive."""
    try:
        audited(house)
    except (NeverHappened, AssertionError) as found:
        return [Violation(Law.CONVERGENCE, str(found))]
    return []


def with_repetitions(operations: Sequence[Operation], commits: Sequence[Commit]) -> list[Operation]:
    """The operations; of writes that may have been done before it is now told whether they were."""
    owners = Owners(commits)

    def settled(operation: Operation, write: Write) -> Write:
        if not write.is_repeated or write.key is None or write.version is None:
            return write
        commit = owners.commit(write.key, write.version)
        is_old = commit is not None and commit.committed_at_s < operation.invoked_at_s - SLACK_S
        return replace(write, is_repeated=is_old)

    return [
        replace(operation, writes=tuple(settled(operation, write) for write in operation.writes))
        for operation in operations
    ]
