"""How long a whole page takes, over the slowest of its services, when its ids can be guessed.

Every service takes a tenth of a second. A few pages are read in turn, each at most once within the
time for which owners' answers are kept. The control is the same without guessing: two hops.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from benchmarks.fault_house import SERVICES, running_house
from benchmarks.fault_samples import samples_of
from benchmarks.figures import AtMost, Control, Figure
from benchmarks.runs import Run
from benchmarks.spread import spread

RATE: Final = 10.0
PAGE_COUNT: Final = 20
SLOWEST_S: Final = 0.1
SLOW: Final = {"path": "/", "latencyMs": {"fixed": round(SLOWEST_S * 1000)}}
GUESSING: Final[Mapping[str, str]] = {}
NOT_GUESSING: Final = {"BFF_GUESS_AHEAD": "false"}


def measure(run: Run) -> Iterator[Figure]:
    """With guesses, and without."""
    guessed, two_hops = (
        median_s(run, name, settings)
        for name, settings in (("guessing", GUESSING), ("not-guessing", NOT_GUESSING))
    )
    yield Figure(
        name="page p50 over the slowest service, ids known",
        value=guessed / SLOWEST_S,
        unit="×",
        aim=AtMost(1.15),
        control=Control("not guessing", two_hops / SLOWEST_S),
    )


def median_s(run: Run, name: str, settings: Mapping[str, str]) -> float:
    """Of the pages from their second reading on."""
    seconds = PAGE_COUNT / RATE + run.lengths.load_s
    with running_house(run, f"one-round-trip-{name}", settings) as house:
        house.strike(*SERVICES, rule=SLOW)
        with house.reading(run, "page", rate=RATE, seconds=seconds, count=PAGE_COUNT) as reader:
            pass
    return spread(s.took_s for s in samples_of(reader.told)[PAGE_COUNT:]).p50
