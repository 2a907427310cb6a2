"""`make fuzz`: fifty thousand random requests, made of the schema, to a whole house.

    python scripts/fuzz.py [--requests N] [--seed S] [--processes P]

No answer may be a 500, tell of the inside, or have an error without a code. The first that does is
told, with the request. Exit code 1 then.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.side_by_side import side_by_side  # noqa: E402 - found by the line above
from tests.e2e.starting import running_house  # noqa: E402 - as above
from tests.fuzz.fuzzing import FuzzBlock, fuzz  # noqa: E402 - as above

REQUEST_COUNT = 50_000
BLOCK_SIZE = 500
"""Requests of a block: some ten seconds."""

SEED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Start a house, ask, print the table."""
    asked = parser().parse_args(arguments)
    console = Console()
    with tempfile.TemporaryDirectory() as folder, running_house(Path(folder)) as house:
        blocks = list(blocks_of(house.started.address, asked.requests, asked.seed))
        statuses, codes, story = Counter[int](), Counter[str](), None
        for proof in side_by_side(
            "requests",
            fuzz,
            blocks,
            lambda block: block.request_count,
            process_count=asked.processes,
            console=console,
        ):
            statuses.update(proof.statuses)
            codes.update(proof.codes)
            story = story or proof.story
    if story is not None:
        console.print(story, markup=False, highlight=False, soft_wrap=True)
    console.print(table_of(statuses, codes))
    return 0 if story is None else 1


def parser() -> argparse.ArgumentParser:
    """What can be asked."""
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--requests", type=int, default=REQUEST_COUNT, metavar="N")
    made.add_argument("--seed", type=int, default=SEED, help="of the first block")
    made.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return made


def blocks_of(address: str, request_count: int, seed: int) -> Iterator[FuzzBlock]:
    """So many requests, in blocks."""
    for number, start in enumerate(range(0, request_count, BLOCK_SIZE)):
        yield FuzzBlock(address, seed + number, min(BLOCK_SIZE, request_count - start))


def table_of(statuses: Counter[int], codes: Counter[str]) -> Table:
    """All that was answered."""
    table = Table(title="random requests", title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_row("requests", f"{sum(statuses.values()):,}")
    for status, count in sorted(statuses.items()):
        table.add_row(f"  {status}", f"{count:,}")
    table.add_section()
    for code, count in codes.most_common():
        table.add_row(code, f"{count:,}")
    return table


if __name__ == "__main__":
    sys.exit(main())
