"""The proof of consistency over real processes: services, Kafka, Redis, projectors, gateways.

Many sessions write and read at two gateways while everything around them is killed, frozen, slowed
and emptied, and every promise of docs/tokens.md is held against what was truly committed. Every
violation is printed as a story. Ends with 1 if there is any, and, of a control that leaves its
tokens at home, if there is none.
"""

import argparse
import logging
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

if __package__ in {None, ""}:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from scripts.kafka import leave
from tests.laws.proof.real.figures import figures_of
from tests.laws.proof.real.run import Plan, Proof, prove, running_house_to_prove

REFUTED: Final = 1
TOLD_OF_A_CONTROL: Final = 5
"""Stories that a control tells: it has hundreds."""


def main() -> int:
    """Run the proof that the arguments ask for; 0 when it turns out as it should."""
    options = parse()
    signal.signal(signal.SIGTERM, leave)
    logging.disable(logging.WARNING)
    console = Console()
    plan = Plan(
        seed=options.seed,
        operation_count=options.operations,
        session_count=options.sessions,
        carries=not options.without_tokens,
    )
    with tempfile.TemporaryDirectory(prefix="bff-proof-") as folder:
        proof = run(Path(folder), plan, console)
    tell(proof, console)
    return 0 if proof.is_kept == plan.carries else REFUTED


def run(folder: Path, plan: Plan, console: Console) -> Proof:
    """A house of its own, and in it the proof, with a bar that shows how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task("starting the house", total=plan.operation_count)
        with running_house_to_prove(folder) as house:
            progress.update(bar, description="operations under faults")
            return prove(house, plan, lambda: progress.advance(bar))


def tell(proof: Proof, console: Console) -> None:
    """The figures, and every violation and failure with what is needed to see it again."""
    table = Table("of", "which", "", title=f"seed {proof.plan.seed}")
    before = ""
    for group, name, figure in figures_of(proof):
        if group != before:
            table.add_section()
        table.add_row("" if group == before else group, name, figure)
        before = group
    console.print(table)
    told = [*map(str, proof.violations), *proof.failures]
    for story in told if proof.plan.carries else told[:TOLD_OF_A_CONTROL]:
        console.print(f"seed {proof.plan.seed}: {story}", markup=False, highlight=False)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/prove_real.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plan = Plan()
    add = parser.add_argument
    add("--seed", type=int, default=plan.seed, help="what is asked and what strikes")
    add("--operations", type=int, default=plan.operation_count, help="how many, all together")
    add("--sessions", type=int, default=plan.session_count, help="how many at once")
    add("--without-tokens", action="store_true", help="the control: violations must be found")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
