"""A gateway at three times what it can answer, and after that; the control has its door off.

*Goodput*: answers within a second, as a share of the most that was had before. *Refusals*: how
soon they came, and did each say when to return. *Normal again*: from the end of the overload until
all that is due in half a second is answered in time. Reads are projected, so what runs out is the
processor of the gateway; the control is given the same number of requests a second.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import AtLeast, AtMost, Control, Figure
from benchmarks.houses import running_house
from benchmarks.overload_account import SETTLING_S, Outcome, goodput, normal_after_s, refusals
from benchmarks.processes import accounted
from benchmarks.runs import Run
from benchmarks.spread import spread
from benchmarks.waiting import wait_watching

GOODPUT_AIM: Final = AtLeast(0.9)
REFUSAL_AIM: Final = AtMost(10.0)
NORMAL_AIM: Final = AtMost(2.0)
LENGTH_FACTOR: Final = 3.0
"""An overload lasts so many times as long as other loads: a minute, if nobody is in a hurry."""

GRACE_S: Final = 60.0
MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Overload:
    """One gateway's overload: the most it had answered (1/s), and what became of each request."""

    peak: float
    seconds: float
    outcomes: Sequence[Outcome]
    lost_count: int

    @property
    def goodput_ratio(self) -> float:
        """Over all of the overload but its beginning."""
        return goodput(self.outcomes, SETTLING_S, self.seconds) / self.peak

    @property
    def normal_after_s(self) -> float:
        return normal_after_s(self.outcomes, self.seconds)


def measure(run: Run) -> Iterator[Figure]:
    """With the door, then without it."""
    with_door = overloaded(run, "door")
    without = overloaded(run, "no-door", peak=with_door.peak)
    yield from figures_of(with_door, without)


def overloaded(run: Run, name: str, *, peak: float | None = None) -> Overload:
    """Overload a new gateway; without a door if the peak is given."""
    seconds = run.lengths.load_s * LENGTH_FACTOR
    given = {"BFF_ADMISSION": "true" if peak is None else "false"}
    with running_house(run, "embedded", run.room(name), takes_notes=False, given=given) as house:
        words = (
            *("benchmarks.crowd_load", f"--gateway={house.gateway.address}"),
            f"--seconds={seconds}",
            *(() if peak is None else (f"--peak={peak}",)),
        )
        with accounted(words, house.folder, within_s=4 * seconds + GRACE_S) as load:
            wait_watching(run, f"overload, {name}", load, 2.5 * seconds)
    told = load.told
    outcomes = [Outcome(**outcome) for outcome in told["outcomes"]]
    return Overload(told["peak"], seconds, outcomes, told["lost_count"])


def figures_of(with_door: Overload, without: Overload) -> Iterator[Figure]:
    """What the door is held to, beside a gateway that has none."""
    refused = refusals(with_door.outcomes)
    name = "no admission"
    yield Figure(
        name="goodput at 3 × capacity over peak",
        value=with_door.goodput_ratio,
        unit="×",
        aim=GOODPUT_AIM,
        control=Control(name, without.goodput_ratio),
        note=f"peak {with_door.peak:.0f}/s; {len(refused):,} of {len(with_door.outcomes):,} "
        f"refused, {with_door.lost_count} lost; control {without.lost_count} lost",
    )
    if refused:
        took_s = spread(outcome.took_s for outcome in refused)
        yield Figure(
            name="refusal, p99",
            value=took_s.p99 * MS,
            unit="ms",
            aim=REFUSAL_AIM,
            note=f"p50 {took_s.p50 * MS:.1f} ms, greatest {took_s.greatest * MS:.0f} ms",
        )
        yield Figure(
            name="refusals that do not say when to return",
            value=sum(not outcome.is_whole for outcome in refused),
            unit="refusals",
            aim=AtMost(0),
        )
    yield Figure(
        name="normal again after the overload",
        value=with_door.normal_after_s,
        unit="s",
        aim=NORMAL_AIM,
        control=Control(name, without.normal_after_s),
    )
