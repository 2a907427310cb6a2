"""Batches for tests that are not about where batches go on."""

from collections.abc import Sequence
from dataclasses import replace

from projections.projector import Verdict
from projections.store import EventBatch, Store


async def apply_next(store: Store, batch: EventBatch) -> Sequence[Verdict]:
    """Apply ``batch`` wherever its partition stands, as if it had been read from there."""
    position = await store.position(batch.partition)
    return await store.apply(replace(batch, after=None if position is None else position.cursor))
