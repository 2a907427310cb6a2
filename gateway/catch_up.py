"""How far the projections have got on their way to the present, for whoever wants to watch."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass

from projections.consumer import BatchApplied, ProjectionSignal, SourceRestarted
from projections.positions import Partition


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """Events applied since the start; ``remaining_count`` is None where the source tells none."""

    applied_count: int = 0
    remaining_count: int | None = None
    is_caught_up: bool = False


class CatchUp:
    """The progress of every source, fed by the signals of the consumers of its partitions."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._progress: dict[str, dict[Partition, SourceProgress]] = {s: {} for s in sources}
        self._changed = asyncio.Event()

    def observe(self, signal: ProjectionSignal) -> None:
        """Take in one signal."""
        match signal:
            case BatchApplied(partition=partition, position=position, event_count=event_count):
                known = self._progress[partition.source].get(partition, SourceProgress())
                self._progress[partition.source][partition] = SourceProgress(
                    known.applied_count + event_count,
                    position.remaining_count,
                    position.is_caught_up,
                )
            case SourceRestarted(partition=partition):
                self._progress[partition.source].clear()
            case _:
                return
        self._changed.set()

    def leave(self, partition: Partition) -> None:
        """Somebody else consumes this partition from now on."""
        self._progress[partition.source].pop(partition, None)
        self._changed.set()

    async def follow(self) -> AsyncIterator[Mapping[str, SourceProgress]]:
        """The progress now and after every change, until all sources have caught up."""
        while True:
            told = self._told()
            yield told
            if all(progress.is_caught_up for progress in told.values()):
                return
            while told == self._told():
                self._changed.clear()
                await self._changed.wait()

    def _told(self) -> dict[str, SourceProgress]:
        return {source: _join(parts.values()) for source, parts in self._progress.items()}


def _join(parts: Collection[SourceProgress]) -> SourceProgress:
    """A source is as far as the last of its partitions; one without any is not caught up."""
    told = [part.remaining_count for part in parts if part.remaining_count is not None]
    return SourceProgress(
        sum(part.applied_count for part in parts),
        sum(told) if parts and len(told) == len(parts) else None,
        bool(parts) and all(part.is_caught_up for part in parts),
    )
