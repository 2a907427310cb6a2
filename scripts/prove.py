"""`make prove`: ten thousand schedules of the simulated house, judged by every law.

    python scripts/prove.py [--schedules N] [--seed S] [--without ACT ...] [--without tokens]
    python scripts/prove.py --bugs

Each schedule follows from a seed of its own; as many processes as there are cores live through
them. One that breaks a law is made as short as it gets and told, with the command that tells it
again. With `--without tokens` sessions leave their tokens at home: the control, in which laws must
be broken. Exit code 1 if a law was broken, or if none was in the control.
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
from tests.laws.proof.bugs.hunt import render_table, run_all_bugs  # noqa: E402 - as above
from tests.laws.proof.violations import Law  # noqa: E402 - as above
from tests.laws.proof.world.proving import Block, Proof, Tally, prove  # noqa: E402

SCHEDULE_COUNT = 10_000
SEED = 1
BLOCK_SIZE = 50
STORY_LIMIT = 3
"""After so many stories the rest is not waited for."""

TOKENS = "tokens"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prove, tell stories, print the table."""
    asked = parser().parse_args(arguments)
    if asked.bugs:
        print(render_table(run_all_bugs()))
        return 0
    blocks = list(blocks_of(asked))
    console, started_at_s = Console(), time.monotonic()
    tally = Tally()
    story_count = 0
    for proof in proofs_of(blocks, asked.processes, console):
        tally.add(proof.tally)
        if proof.story is not None:
            story_count += 1
            console.print(story_of(proof), markup=False, highlight=False, soft_wrap=True)
        if story_count == STORY_LIMIT:
            break
    console.print(table_of(tally, time.monotonic() - started_at_s))
    if TOKENS in asked.without:
        return 0 if tally.broken_count else 1
    return 1 if story_count else 0


def parser() -> argparse.ArgumentParser:
    """What can be asked."""
    summary = (__doc__ or "").partition("\n")[0]
    made = argparse.ArgumentParser(description=summary)
    made.add_argument("--schedules", type=int, default=SCHEDULE_COUNT, metavar="N")
    made.add_argument("--seed", type=int, default=SEED, help="of the first schedule")
    made.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="ACT",
        help="an act never to happen; `tokens`: sessions do not send theirs",
    )
    made.add_argument("--bugs", action="store_true", help="tell who catches which seeded bug")
    made.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return made


def blocks_of(asked: argparse.Namespace) -> Iterator[Block]:
    """The schedules that were asked for, in blocks."""
    starts = range(0, asked.schedules, BLOCK_SIZE)
    for start in starts:
        yield Block(
            seed=asked.seed + start,
            schedule_count=min(BLOCK_SIZE, asked.schedules - start),
            without=tuple(name for name in asked.without if name != TOKENS),
            ignores_tokens=TOKENS in asked.without,
        )


def proofs_of(blocks: Sequence[Block], process_count: int, console: Console) -> Iterator[Proof]:
    """What became of each block, as they end."""
    return side_by_side(
        "schedules",
        prove,
        blocks,
        lambda block: block.schedule_count,
        process_count=process_count,
        console=console,
    )


def story_of(proof: Proof) -> str:
    """The story, and how to hear it again."""
    block = proof.block
    left_out = "".join(f" --without {name}" for name in block.without)
    again = f"python scripts/prove.py --seed {proof.seed} --schedules 1{left_out}"
    return f"\nseed {proof.seed} breaks a law:\n\n{proof.story}\n\nagain: {again}\n"


def table_of(tally: Tally, took_s: float) -> Table:
    """All that was counted; every law has its line."""
    table = Table(title="the house under any schedule", title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    counts = {
        "schedules": tally.schedule_count,
        "operations of sessions": tally.operation_count,
        "  that waited for the projection": tally.wait_count,
        "  parts asked of their owners": tally.live_count,
        "faults and other happenings": tally.fault_count,
        "schedules that broke a law": tally.broken_count,
    }
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    table.add_section()
    for law in Law:
        count = tally.violations[law]
        table.add_row(law.value, f"{count:,}", style="red" if count else "green")
    table.add_section()
    table.add_row("seconds", f"{took_s:,.1f}")
    table.add_row("schedules a second", f"{tally.schedule_count / max(took_s, 0.001):,.1f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
