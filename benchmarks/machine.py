"""The machine that is measured on, and how fast it is at this moment."""

import os
import platform
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

ROUND_COUNT: Final = 15
PIECES_A_ROUND: Final = 4_000
PIECE: Final = msgspec.json.encode({"id": "o-1", "items": [{"productId": "p-1", "n": 1}] * 3})


@dataclass(frozen=True, slots=True)
class Machine:
    """What it is, and how fast just now.

    ``pieces_per_s``: a fixed piece of Python work, at its best; ``noise_ratio``: how much slower
    the median round was. Far above 1 means that others were at work: the figures are theirs too.
    """

    processor: str
    core_count: int
    python: str
    load_before: float
    pieces_per_s: float
    noise_ratio: float
    at: str

    def as_line(self) -> dict[str, object]:
        return {"machine": asdict(self)}

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.core_count} cores, Python {self.python}; "
            f"load {self.load_before:.1f}, noise × {self.noise_ratio:.2f}"
        )


def look() -> Machine:
    """Measure for a tenth of a second or so."""
    load_before = os.getloadavg()[0]
    rounds_s = sorted(_round_s() for _ in range(ROUND_COUNT))
    best_s, median_s = rounds_s[0], rounds_s[len(rounds_s) // 2]
    return Machine(
        processor=_processor(),
        core_count=os.cpu_count() or 1,
        python=platform.python_version(),
        load_before=load_before,
        pieces_per_s=PIECES_A_ROUND / best_s,
        noise_ratio=median_s / best_s,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _round_s() -> float:
    started_at_s = time.perf_counter()
    for _ in range(PIECES_A_ROUND):
        msgspec.json.decode(PIECE)
    return time.perf_counter() - started_at_s


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
