"""The progress of a rebuild on a terminal: a bar a source, events a second, time left."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from gateway.operating.terminal import render_count
from projections.consumer import BatchApplied, EventParked, SourceFailed, SourceRestarted
from projections.positions import Partition
from projections.rebuild.rebuild import BlueMoved, RebuildSignal, SampleCompared

SPEED_WINDOW_S = 10.0
"""Over how long events a second are counted (s)."""


@dataclass(slots=True)
class Read:
    """Events of one partition: so many read, so many lag behind the log's end, if it tells."""

    event_count: int = 0
    remaining_count: int | None = None


class RebuildBars:
    """Takes in a rebuild's signals; told things are printed above the bars."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description:>10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=console,
            speed_estimate_period=SPEED_WINDOW_S,
            disable=not console.is_terminal,
        )
        self._read: dict[Partition, Read] = {}
        self._bars: dict[str, TaskID] = {}

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw while the context is open; what was read is told at its end."""
        with self._progress:
            yield
        for source in dict.fromkeys(partition.source for partition in self._read):
            event_count, _ = self._sums(source)
            self._console.print(f"{source}: {render_count(event_count, 'event')} read")

    def observe(self, signal: RebuildSignal) -> None:
        """Take in one signal."""
        match signal:
            case BatchApplied(partition=partition, position=position, event_count=event_count):
                read = self._read.setdefault(partition, Read())
                read.event_count += event_count
                read.remaining_count = position.remaining_count
                self._draw(partition.source)
            case SourceRestarted(partition=partition, error=error):
                for other, read in self._read.items():
                    if other.source == partition.source:
                        read.event_count = 0
                self._say(f"{partition}: from its start again: {error.reason}")
            case SourceFailed(error=error, retry_after_s=retry_after_s):
                self._say(f"{error}; again in {retry_after_s:g} s")
            case EventParked(partition=partition, parked=parked):
                self._say(f"{partition}: parked {parked.key}: {parked.reason}")
            case SampleCompared(row_count=rows, page_count=pages):
                compared = f"{render_count(rows, 'row')} and {render_count(pages, 'list')}"
                self._say(f"compared: {compared}")
            case BlueMoved(attempt=attempt):
                if attempt == 1:
                    self._say("the projection moves on: catching up with it for the flip")
            case _:
                pass

    def _draw(self, source: str) -> None:
        if source not in self._bars:
            self._bars[source] = self._progress.add_task(source, total=None, speed="")
        bar = self._bars[source]
        event_count, remaining_count = self._sums(source)
        speed = self._progress.tasks[bar].speed
        self._progress.update(
            bar,
            completed=event_count,
            total=None if remaining_count is None else event_count + remaining_count,
            speed="" if speed is None else f"{speed:,.0f} events/s",
        )

    def _sums(self, source: str) -> tuple[int, int | None]:
        """Events read of the source, and its lag where all of its partitions tell."""
        parts = [read for partition, read in self._read.items() if partition.source == source]
        told = [part.remaining_count for part in parts if part.remaining_count is not None]
        remaining_count = sum(told) if len(told) == len(parts) else None
        return sum(part.event_count for part in parts), remaining_count

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False)
