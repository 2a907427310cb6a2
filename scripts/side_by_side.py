"""Blocks of work in as many processes as there are cores, with a bar that tells how far it is."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

BlockT = TypeVar("BlockT")
ProofT = TypeVar("ProofT")


def side_by_side(
    told: str,
    work: Callable[[BlockT], ProofT],
    blocks: Sequence[BlockT],
    size_of: Callable[[BlockT], int],
    *,
    process_count: int,
    console: Console,
) -> Iterator[ProofT]:
    """What became of each block, as they end; whoever stops listening ends the rest."""
    os.environ["PYTHONHASHSEED"] = "0"  # for the processes to come: sets in the same order
    columns = (
        TextColumn(told),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with (
        ProcessPoolExecutor(process_count, mp_context=get_context("spawn")) as pool,
        Progress(*columns, console=console) as progress,
    ):
        bar = progress.add_task(told, total=sum(map(size_of, blocks)))
        futures = {pool.submit(work, block): block for block in blocks}
        try:
            for future in as_completed(futures):
                proof = future.result()
                progress.advance(bar, size_of(futures[future]))
                yield proof
        finally:
            pool.shutdown(cancel_futures=True)
