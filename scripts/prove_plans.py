"""`make prove`: a million requests answered twice, by plans and by graphql-core, and compared.

    python scripts/prove_plans.py [--plans N] [--seed S] [--processes P]

Each document follows from a seed of its own, with the rows and variables it is asked over. The
first that is answered in two ways is told, with the command that tells it again. Exit code 1 then.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.side_by_side import side_by_side  # noqa: E402 - found by the line above
from tests.laws.plans.proving import (  # noqa: E402 - as above
    PlanBlock,
    PlanProof,
    PlanTally,
    prove_plans,
)

PLAN_COUNT = 1_000_000
REQUESTS_EACH = 32
"""To one document: it costs as much to read as some ten requests to it."""

BLOCK_SIZE = 100
"""Documents of a block: a few seconds."""

SEED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, compare, print the table."""
    asked = parser().parse_args(arguments)
    console, started_at_s = Console(), time.monotonic()
    tally = PlanTally()
    proofs = side_by_side(
        "requests",
        prove_plans,
        list(blocks_of(asked.plans, asked.seed)),
        lambda block: block.request_count,
        process_count=asked.processes,
        console=console,
    )
    story: str | None = None
    for proof in proofs:
        tally.add(proof.tally)
        if proof.story is not None:
            story = story_of(proof)
            break
    if story is not None:
        console.print(story, markup=False, highlight=False, soft_wrap=True)
    console.print(table_of(tally, time.monotonic() - started_at_s))
    return 0 if story is None else 1


def parser() -> argparse.ArgumentParser:
    """What can be asked."""
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--plans", type=int, default=PLAN_COUNT, metavar="N", help="requests to ask")
    made.add_argument("--seed", type=int, default=SEED, help="of the first document")
    made.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return made


def blocks_of(plan_count: int, seed: int) -> Iterator[PlanBlock]:
    """The documents that make so many requests, in blocks."""
    document_count = -(-plan_count // REQUESTS_EACH)
    for start in range(0, document_count, BLOCK_SIZE):
        count = min(BLOCK_SIZE, document_count - start)
        yield PlanBlock(seed + start, count, REQUESTS_EACH)


def story_of(proof: PlanProof) -> str:
    """The story, and how to hear it again."""
    again = f"python scripts/prove_plans.py --seed {proof.seed} --plans {REQUESTS_EACH}"
    return f"\nseed {proof.seed} is answered in two ways:\n\n{proof.story}\n\nagain: {again}\n"


def table_of(tally: PlanTally, took_s: float) -> Table:
    """All that was counted."""
    table = Table(title="plans beside graphql-core", title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    counts = (
        ("documents", tally.document_count),
        ("requests, answered twice", tally.case_count),
        ("  by the plan alone", tally.planned_count),
        ("  with errors", tally.error_count),
        ("requests in which nothing is odd", tally.sane_count),
        ("  by the plan alone", tally.sane_planned_count),
        ("answered in two ways", tally.different_count),
    )
    for name, count in counts:
        table.add_row(name, f"{count:,}")
    table.add_section()
    table.add_row("seconds", f"{took_s:,.1f}")
    table.add_row("requests a second", f"{tally.case_count / max(took_s, 0.001):,.1f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
