"""Rebuilding: how fast `bff rebuild` makes the read models anew from Kafka beside what serves.

All events have been applied by a projector, which then runs on over quiet logs. *Events a second*:
from the first sign of progress of the new generation in Redis to its last event. *From start to
end*: the whole command, with its own start, the comparison of a sample, and the flip.

Control: the same client reading the same backlog in one process, doing nothing with it.
"""

import time
from collections.abc import Iterator
from typing import Final

from benchmarks.event_bench import APPLY_LIMIT_S, opened_bench
from benchmarks.figures import AtLeast, Control, Figure
from benchmarks.houses import projector_running
from benchmarks.live_apply import cost_figures
from benchmarks.processes import MeasurementFailed
from benchmarks.projected import FIRST_GENERATION
from benchmarks.runs import Run
from tests.e2e.distributed.roles import start_role

AIM: Final = AtLeast(20_000)
GREEN: Final = FIRST_GENERATION + 1


def measure(run: Run) -> Iterator[Figure]:
    """Project everything once, then rebuild it."""
    with opened_bench(run, "rebuild") as bench:
        bench.write_backlog()
        control = Control("read alone", bench.read_barely())
        with projector_running(bench.folder, bench.settings) as projector:
            bench.wait_applied("projected before", projector)
            words, profile = ("gateway", "rebuild", "--yes"), run.profile_of("rebuild")
            profiled = () if profile is None else ("cProfile", "-o", str(profile), "-m")
            started_s = time.monotonic()
            rebuild = start_role(
                "rebuild", (*profiled, *words), bench.folder, settings=bench.settings
            )
            try:
                pids = {"rebuild": rebuild.process.pid, **bench.server_pids}
                applied = bench.wait_applied("rebuild", rebuild, pids, GREEN)
                code = rebuild.process.wait(APPLY_LIMIT_S)
                took_s = time.monotonic() - started_s
            finally:
                rebuild.kill()
        if code:
            raise MeasurementFailed(f"`bff rebuild` ended with {code}:\n{rebuild.said[-2000:]}")
    yield Figure(
        name="rebuild",
        value=applied.rate,
        unit="events/s",
        aim=AIM,
        control=control,
        note=bench.circumstances(applied),
    )
    yield from cost_figures("rebuild", applied)
    yield Figure(name="rebuild, from start to end", value=took_s, unit="s")
