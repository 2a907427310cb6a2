"""What attacks cost: whoever sends them, whoever stands beside them, and the machine.

Each attack of `tests/attacks` is sent alone and in turn. *Refusal*: from the first byte sent to the
whole answer, the median of a few tries; the control is a plain query over a connection of its own.
*Beside them*: how long another client waits for something small while all are sent again and again;
the control is how long it waits when nobody attacks. One process for the gateway, one for us.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final
from urllib.parse import urlsplit

from benchmarks.figures import AtMost, Control, Exactly, Figure
from benchmarks.process_usage import resident_kb
from benchmarks.processes import MeasurementFailed
from benchmarks.runs import Run, Watch
from benchmarks.spread import Spread, spread
from tests.attacks.corpus.attack import Attack
from tests.attacks.corpus.whole import CORPUS
from tests.attacks.floods import FLOODS, crowd, flood
from tests.attacks.victim import PLAIN, Bystander, public_house, send, what_is_wrong
from tests.e2e.house import House

TRY_COUNT: Final = 5
ROUND_COUNT: Final = 3
"""Of all attacks, with somebody beside them."""

FLOOD_COUNT: Final = 10_000
CROWD_COUNT: Final = 600
FULL_STEP_S: Final = 10.0

MS: Final = 1_000
REFUSAL_AIM: Final = AtMost(50)
HELD_UP_AIM: Final = AtMost(100)
MEMORY_AIM: Final = AtMost(150)
LOG_AIM: Final = AtMost(2_000)

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Told:
    """One attack, what was wrong with its answer, and how long it took."""

    attack: Attack
    wrong: str | None
    took_ms: float


def measure(run: Run) -> Iterator[Figure]:
    """All figures of the corpus."""
    with public_house(run.room("attacked")) as house:
        at = urlsplit(house.started.address)
        address = (str(at.hostname), int(at.port or 0))
        plain_ms = median(send(address, PLAIN).took_s * MS for _ in range(4 * TRY_COUNT))
        quiet = _waits_beside(address, lambda: time.sleep(run.lengths.step_s / 2))
        before_kb = resident_kb(house.started.process.pid)
        with run.watched("attacks", len(CORPUS)) as watch:
            told = list(_tried(address, watch))
        said_before = len(house.started.said)
        beside = _waits_beside(address, lambda: _send_all(run, address))
        said = len(house.started.said) - said_before
        grown_mb = (resident_kb(house.started.process.pid) - before_kb) / 1024
        flooded = list(_floods(run, house))
    yield from _of_refusals(told, plain_ms)
    yield Figure(
        name="another client waits beside attacks, longest",
        value=beside.greatest,
        unit="ms",
        aim=HELD_UP_AIM,
        control=Control("without attacks", quiet.greatest),
        note=f"p99 {beside.p99:.1f}, without {quiet.p99:.1f}; {ROUND_COUNT} rounds of all",
    )
    yield Figure(name="memory grown by attacks", value=grown_mb, unit="MB", aim=MEMORY_AIM)
    logged = said / (ROUND_COUNT * len(CORPUS))
    yield Figure(name="log of a request", value=logged, unit="bytes", aim=LOG_AIM)
    yield from flooded


def _floods(run: Run, house: House) -> Iterator[Figure]:
    """Thousands of each kind, no two alike; and a crowd that holds connections and waits."""
    at = urlsplit(house.started.address)
    address = (str(at.hostname), int(at.port or 0))
    count = int(FLOOD_COUNT * run.lengths.step_s / FULL_STEP_S)
    before_kb = resident_kb(house.started.process.pid)
    with run.watched("floods", len(FLOODS)) as watch:
        for number, make in enumerate(FLOODS.values(), 1):
            flood(address, make, count)
            watch(number)
    grown_mb = (resident_kb(house.started.process.pid) - before_kb) / 1024
    note = f"{count:,} each: {', '.join(FLOODS)}"
    yield Figure(
        name="memory grown by floods", value=grown_mb, unit="MB", aim=MEMORY_AIM, note=note
    )
    with crowd(address, CROWD_COUNT):
        waits = _waits_beside(address, lambda: time.sleep(run.lengths.step_s / 2))
    note = f"{CROWD_COUNT} halves of requests, silent sockets and readers of nothing"
    yield Figure(
        name="another client waits beside a crowd, longest",
        value=waits.greatest,
        unit="ms",
        aim=HELD_UP_AIM,
        note=note,
    )


def _tried(address: Address, watch: Watch) -> Iterator[Told]:
    for number, attack in enumerate(CORPUS, 1):
        heard = [send(address, attack) for _ in range(TRY_COUNT)]
        wrong = next(filter(None, (what_is_wrong(one, attack) for one in heard)), None)
        watch(number)
        yield Told(attack, wrong, median(one.took_s * MS for one in heard))


def _send_all(run: Run, address: Address) -> None:
    with run.watched("beside them", ROUND_COUNT) as watch:
        for done in range(ROUND_COUNT):
            for attack in CORPUS:
                send(address, attack)
            watch(done + 1)


def _waits_beside(address: Address, work: Callable[[], None]) -> Spread:
    """How long (ms) somebody waits for something small beside the work."""
    with Bystander(address).asking() as bystander:
        work()
    if bystander.failures:
        raise MeasurementFailed(f"somebody was refused: {bystander.failures[0]!r}")
    return spread(wait_s * MS for wait_s in bystander.waits_s)


def _of_refusals(told: Sequence[Told], plain_ms: float) -> Iterator[Figure]:
    wrong = [one for one in told if one.wrong]
    slowest = max(told, key=lambda one: one.took_ms)
    yield Figure(
        name="attacks that were not refused as they should be",
        value=len(wrong),
        unit=f"of {len(told)}",
        aim=Exactly(0),
        note="; ".join(f"{one.attack}: {one.wrong}" for one in wrong[:3]),
    )
    yield Figure(
        name="refusal of an attack, slowest",
        value=slowest.took_ms,
        unit="ms",
        aim=REFUSAL_AIM,
        control=Control("plain query", plain_ms),
        note=f"{slowest.attack}; p50 {median(one.took_ms for one in told):.1f} ms",
    )
