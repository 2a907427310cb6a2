"""Reads before, during and after a fault: when did the circuit open, who waited, until when.

Pure: samples in, seconds out. *Opened*: when the first read ended that was told so. *Waiting*: of
the reads begun after that, those that took over a tenth of a second, as probes do. *Whole*: when
the first read ended after the last one that was not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.fault_samples import Sample

WAITING_S: Final = 0.1
PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Stroke:
    """Reads, and when ``services`` were struck and mended (wall clock, s)."""

    samples: Sequence[Sample]
    services: Sequence[str]
    struck_at_s: float
    mended_at_s: float = math.inf

    @property
    def well(self) -> list[Sample]:
        """What had ended before the stroke."""
        return [one for one in self.samples if one.ended_at_s < self.struck_at_s]

    @property
    def struck(self) -> list[Sample]:
        """What began while the services were ill."""
        return self._begun(self.struck_at_s)

    @property
    def opened_after_s(self) -> float:
        """How long after the stroke all circuits were known to be open; infinite if they were not.

        The circuits that matter are one a service here.
        """
        ends = [
            min((one.ended_at_s for one in self.struck if service in one.refused), default=math.inf)
            for service in self.services
        ]
        return max(ends) - self.struck_at_s

    @property
    def open(self) -> list[Sample]:
        """What began while the services were ill and their circuits open."""
        return self._begun(self.struck_at_s + self.opened_after_s)

    def after(self, seconds: float) -> list[Sample]:
        """What began so long after the stroke, or later, while the services were ill."""
        return self._begun(self.struck_at_s + seconds)

    @property
    def whole_after_s(self) -> float:
        """How long after they were well again everything was shown; infinite if it never was."""
        bad = [one.began_at_s for one in self.samples if one.codes]
        last_bad_at_s = max([self.mended_at_s, *bad])
        ends = (one.ended_at_s for one in self.samples if one.began_at_s > last_bad_at_s)
        return min(ends, default=math.inf) - self.mended_at_s

    @property
    def promised_after_s(self) -> float:
        """How long after that they were to be asked again, as who was refused had been told."""
        promised = [one.ended_at_s + one.retry_after_s for one in self.samples if one.refused]
        return max(0.0, max(promised, default=-math.inf) - self.mended_at_s)

    def _begun(self, from_s: float) -> list[Sample]:
        return [one for one in self.samples if from_s <= one.began_at_s < self.mended_at_s]


def waiting(samples: Sequence[Sample]) -> int:
    """How many of them took over `WAITING_S`."""
    return sum(one.took_s > WAITING_S for one in samples)


def percent(count: int, samples: Sequence[Sample]) -> float:
    """The share of them that ``count`` is; nothing of nothing is 0."""
    return PERCENT * count / len(samples) if samples else 0.0
