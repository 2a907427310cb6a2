"""The rounds: every server in turn, every row at it, and the figures that come of them."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.figures import Control, Figure
from benchmarks.processes import MeasurementFailed, accounted
from benchmarks.runs import Run
from benchmarks.speed import rows
from benchmarks.speed.asks import Ask
from benchmarks.speed.bars import judged, unjudged
from benchmarks.speed.chart import render_chart
from benchmarks.speed.closed_load import Account, Load
from benchmarks.speed.grounds import Grounds, Services, Serving, filled_redis, open_grounds
from benchmarks.speed.page import put_between, render_table
from benchmarks.speed.results import (
    Results,
    Round,
    cpu_us,
    load_us,
    p50_ms,
    p99_ms,
    range_of,
    rate,
    resident_mb,
)
from benchmarks.speed.rows import Row, Stand, growth_stands, plain_stands
from benchmarks.speed.world import World

LOAD_GRACE_S: Final = 120.0
ELSEWHERE_RATIO: Final = 0.01
"""So many good answers of a row may come from elsewhere: on a busy machine a proof may be late."""

CALM: Final = World()
"""The world of all rows but those of growth."""

FEW: Final = World(order_count=1)
NAIVE_OF: Final = {
    rows.LIVE: rows.NAIVE_LIVE,
    rows.LIVE_PAGE: rows.NAIVE_LIVE_PAGE,
    rows.PAGE: rows.NAIVE_PAGE,
    rows.NEW_TEXT: rows.NAIVE_NEW_TEXT,
    **dict.fromkeys(
        (
            *(rows.PROJECTION, rows.HOT, rows.REDIS, rows.NEAR, rows.SAME_POST, rows.SAME_GET),
            *(rows.UNCHANGED, rows.UNMETERED, rows.UNKEPT, rows.RAW),
        ),
        rows.NAIVE_PROJECTION,
    ),
}
"""Beside which row of the usual stack a row stands."""

README: Final = Path("README.md")
CHART: Final = Path("docs/speed.svg")
NAME: Final = "speed"


class Rounds:
    """Measures stands, round by round; keeps what came of them, and what failed."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self._folder = folder
        self._serial = count(1)
        self._first = 0
        self._number = 0
        self.results: defaultdict[str, list[Round]] = defaultdict(list)
        self.failures: list[str] = []

    def go(self, stands: Sequence[Stand], grounds: Grounds) -> None:
        """All rounds over these stands."""
        round_count = self._run.lengths.round_count
        row_count = sum(len(stand.rows) for stand in stands)
        with self._run.watched(f"{row_count} rows, {round_count} rounds", round_count) as watch:
            for number in range(round_count):
                self._number = number
                for place, stand in enumerate(stands):
                    watch(number + place / len(stands))
                    self._visit(stand, grounds)

    def _visit(self, stand: Stand, grounds: Grounds) -> None:
        with stand.start() as serving:
            for row in stand.rows:
                ask = row.ask if isinstance(row.ask, Ask) else row.ask(serving)
                if ask is None:
                    self.note(f"{row.name}: this gateway cannot do that yet")
                    continue
                try:
                    told = self.measure(stand.services, row, ask, serving)
                except MeasurementFailed as failed:
                    self.note(f"{row.name}: {failed}")
                    continue
                self.results[row.name].append(told)
                if row.name == rows.PROJECTION:
                    grounds.answer_bytes = told.account.answer_bytes

    def measure(self, services: Services, row: Row, ask: Ask, serving: Serving) -> Round:
        """One row once. Raises `MeasurementFailed`: one wrong answer, or many from elsewhere."""
        lengths = self._run.lengths
        load = Load(
            serving.url,
            serving.pid,
            ask,
            row.connection_count,
            seconds=lengths.row_s,
            warm_up_s=lengths.row_s / 3,
            first=self._first,
            warm_up_count=row.warm_up_count,
            least_count=row.least_count,
        )
        path = self._folder / f"load-{next(self._serial)}.json"
        path.write_bytes(msgspec.json.encode(load))
        before = services.calls()
        words = ("benchmarks.speed.closed_load", str(path))
        with accounted(words, self._folder, within_s=LOAD_GRACE_S) as load_process:
            pass
        account = msgspec.convert(load_process.told, Account)
        allowed_count = account.request_count * ELSEWHERE_RATIO
        if account.failure_count or account.elsewhere_count > allowed_count:
            count = account.failure_count + account.elsewhere_count
            told = json.dumps(account.failures)
            raise MeasurementFailed(f"{count} of {account.request_count} answers: {told}")
        self._first += account.sent_count
        calls = services.calls()
        each = {name: (calls[name] - before[name]) / account.sent_count for name in calls}
        return Round(self._number, account, each)

    def note(self, failure: str) -> None:
        """Something could not be measured, however often that is found."""
        if failure not in self.failures:
            self.failures.append(failure)


def measure(run: Run) -> Iterator[Figure]:
    """Every row and every bar; then the table and the chart are written."""
    rounds = measured_rounds(run)
    yield from (figure_of(name, rounds.results) for name in rounds.results)
    yield from judged(rounds.results)
    publish(run, rounds.results)
    missing = [f"{name}: no row to judge it by" for name in unjudged(rounds.results)]
    if rounds.failures or missing:
        raise MeasurementFailed("; ".join([*rounds.failures, *missing]))


def measured_rounds(run: Run) -> Rounds:
    """All rounds over all worlds."""
    folder = run.room(NAME)
    rounds = Rounds(run, folder)
    with ExitStack() as stack:
        calm = stack.enter_context(open_grounds(folder / "calm", CALM))
        redis = stack.enter_context(filled_redis(calm, CALM))
        rounds.go(plain_stands(calm, redis), calm)
    count_held = run.lengths.row_count
    many_world = World(filler_count=count_held)
    with ExitStack() as stack:
        few = stack.enter_context(open_grounds(folder / "few", FEW))
        many = stack.enter_context(open_grounds(folder / "many", many_world))
        held = (
            stack.enter_context(filled_redis(few, FEW)),
            stack.enter_context(filled_redis(many, many_world)),
        )
        rounds.go(growth_stands(few, many, held, count_held), many)
    return rounds


def figure_of(name: str, results: Results) -> Figure:
    """What a request of this row costs, beside the usual stack's."""
    rounds = results[name]
    cpu = range_of(rounds, cpu_us)
    naive = NAIVE_OF.get(name)
    control = None
    if naive is not None and results.get(naive):
        control = Control("naive", range_of(results[naive], cpu_us).median)
    calls = {name: one for name, one in rounds[-1].calls.items() if one}
    told = ", ".join(f"{service} {each:.2f}" for service, each in calls.items())
    return Figure(
        name=f"CPU a request: {name}",
        value=cpu.median,
        unit="µs",
        control=control,
        note=f"{cpu} in {len(rounds)} rounds; {range_of(rounds, rate).median:,.0f} req/s, "
        f"p50 {range_of(rounds, p50_ms).median:.2f} ms, "
        f"p99 {range_of(rounds, p99_ms).median:.2f} ms, "
        f"{range_of(rounds, resident_mb).median:.0f} MB; "
        f"load {range_of(rounds, load_us).median:.0f} µs" + (f"; calls: {told}" if told else ""),
    )


def publish(run: Run, results: Results) -> None:
    """Write the table and the chart: where readers look, or beside the figures of this run."""
    table, chart = render_table(results, NAIVE_OF), render_chart(results)
    if run.is_published:
        README.write_text(put_between(README.read_text(), NAME, table))
        CHART.write_text(chart)
    else:
        (run.out / f"{NAME}.md").write_text(table)
        (run.out / f"{NAME}.svg").write_text(chart)
