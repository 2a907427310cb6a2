"""How far the projections have got on their way to the present, for whoever wants to watch."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from projections.consumer import BatchApplied, ProjectionSignal, SourceRestarted


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """Events applied since the start; ``remaining_count`` is None where the source tells none."""

    applied_count: int = 0
    remaining_count: int | None = None
    is_caught_up: bool = False


class CatchUp:
    """The progress of every source, fed by the consumers' signals."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._progress = {source: SourceProgress() for source in sources}
        self._changed = asyncio.Event()

    def observe(self, signal: ProjectionSignal) -> None:
        """Take in one signal."""
        match signal:
            case BatchApplied(partition=partition, position=position, event_count=event_count):
                source = partition.source
                self._progress[source] = SourceProgress(
                    self._progress[source].applied_count + event_count,
                    position.remaining_count,
                    position.is_caught_up,
                )
            case SourceRestarted(partition=partition):
                self._progress[partition.source] = SourceProgress()
            case _:
                return
        self._changed.set()

    async def follow(self) -> AsyncIterator[Mapping[str, SourceProgress]]:
        """The progress now and after every change, until all sources have caught up."""
        while True:
            told = dict(self._progress)
            yield told
            if all(progress.is_caught_up for progress in told.values()):
                return
            while told == self._progress:
                self._changed.clear()
                await self._changed.wait()
