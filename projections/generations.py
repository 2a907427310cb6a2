"""The contract of rebuilding a read model beside the one that is read (blue and green).

A source's rows belong to a generation. One is active: all read it and all projectors write it. The
next can be built unseen, from the log's start, by a store of its own; then the two change places in
one step, and the one before stays until it is known that nobody wants it back.

Positions are the source's and not the generation's, so a token means the same before and after.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from projections.positions import Partition, SourcePosition
from projections.store import Store
from projections.versions import AggregateKey


@dataclass(frozen=True, slots=True)
class GenerationCounts:
    """How much one generation of a source holds."""

    generation: int
    row_count: int
    suspect_count: int


class Generation(Protocol):
    """One generation of some sources, as far as it has got."""

    async def positions(self, source: str) -> Mapping[Partition, SourcePosition]:
        """Where each partition of ``source`` stands that has been read at all."""
        ...

    async def counts(self, source: str) -> GenerationCounts:
        """How much of ``source`` there is."""
        ...

    async def sample(self, source: str, count: int) -> Sequence[AggregateKey]:
        """Keys of at most ``count`` rows of ``source``, drawn at random, each once."""
        ...


class Building(Store, Generation, Protocol):
    """The store of a generation that is being built.

    Nothing of it is announced. Its writes raise `PositionMoved` once it has become the active one.
    It takes events of its own sources only. Rows are compared by reading both stores.
    """


class Generations(Generation, Protocol):
    """What a store can do with whole generations; it shows the active ones itself."""

    async def building(self, sources: Collection[str]) -> Building:
        """What is being built of ``sources``, going on where it stopped; new if there is none."""
        ...

    async def flip(self, expected: Mapping[Partition, str]) -> None:
        """Make what is built the active generations of these partitions' sources, all in one step.

        Only if the active ones stand exactly at the cursors ``expected``: then whoever has seen
        that what is built has got at least as far knows that nothing goes back. Otherwise raises
        `PositionMoved` and changes nothing: look again. `GenerationMissing`: less is built.

        The generations before are kept for `roll_back`, those before them dropped.
        """
        ...

    async def roll_back(self, sources: Collection[str]) -> None:
        """Make the generations before the active ones again, or raise `GenerationMissing`.

        They count as not caught up until they have been read to the end again; those rolled away
        are left as what is being built.
        """
        ...

    async def drop_building(self, sources: Collection[str]) -> None:
        """Drop what is being built of ``sources``, if anything."""
        ...

    async def drop_previous(self, sources: Collection[str]) -> None:
        """Drop the generations before the active ones of ``sources``, if there are any."""
        ...
