"""`python -m benchmarks`: events, tokens, faults, edge, speed; figures are printed and kept."""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks import (
    attack_corpus,
    cold_stampede,
    commit_to_visible,
    dead_services,
    isolated_service,
    keyed_mutations,
    live_apply,
    machine,
    memory,
    one_probe,
    one_round_trip,
    opening_circuits,
    overload,
    rebuild_rate,
    retry_storm,
    slow_tail,
    token_flood,
    token_silence,
    token_sizes,
    token_wait,
    waiter_crowd,
)
from benchmarks.figures import Figure, Verdict, render
from benchmarks.peers import measuring as peers
from benchmarks.report import show, write_lines
from benchmarks.runs import Lengths, Run
from benchmarks.speed import measuring as speed
from benchmarks.subscriptions import measuring as subscriptions
from scripts.kafka import INTERRUPTED, leave

OUT: Final = Path(".data/bench")

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - it holds a folder of our own
"""Where databases lie while they are used, if there is such a place: a disk that others write to
stops a service at each of its checkpoints, and disks are not what is measured."""

MEASUREMENTS: Final[Mapping[str, Callable[[Run], Iterator[Figure]]]] = {
    "visible-embedded": commit_to_visible.measure_embedded,
    "token-embedded": token_wait.measure_embedded,
    "memory-embedded": memory.measure_embedded,
    "apply": live_apply.measure,
    "rebuild": rebuild_rate.measure,
    "visible-distributed": commit_to_visible.measure_distributed,
    "token-distributed": token_wait.measure_distributed,
    "memory-distributed": memory.measure_distributed,
    "token-sizes": token_sizes.measure,
    "token-silence": token_silence.measure,
    "waiter-crowd": waiter_crowd.measure,
    "token-flood": token_flood.measure,
    "circuits": opening_circuits.measure,
    "one-probe": one_probe.measure,
    "retry-storm": retry_storm.measure,
    "dead-services": dead_services.measure,
    "isolated-service": isolated_service.measure,
    "cold-stampede": cold_stampede.measure,
    "keyed-mutations": keyed_mutations.measure,
    "slow-tail": slow_tail.measure,
    "one-round-trip": one_round_trip.measure,
    "overload": overload.measure,
    "attacks": attack_corpus.measure,
    "speed": speed.measure,
    "peers": peers.measure,
    "subscriptions": subscriptions.measure,
}

EVENTS: Final = "events"
TOKENS: Final = "tokens"
FAULTS: Final = "faults"
EDGE: Final = "edge"
GROUPS: Final[Mapping[str, Sequence[str]]] = {
    EVENTS: (
        *("visible-embedded", "token-embedded", "memory-embedded", "apply", "rebuild"),
        *("visible-distributed", "token-distributed", "memory-distributed"),
    ),
    FAULTS: (
        *("circuits", "one-probe", "retry-storm", "dead-services", "isolated-service"),
        *("slow-tail", "one-round-trip", "cold-stampede", "keyed-mutations", "overload"),
    ),
    EDGE: ("attacks",),
    TOKENS: ("token-sizes", "token-silence", "waiter-crowd", "token-embedded", "token-flood"),
}
"""In this order: first those that need no Kafka, which is started when it is first needed."""


def main(argv: Sequence[str]) -> int:
    """Measure what was asked for; 2 when something could not be measured, else see ``--strict``."""
    options = parse(argv)
    signal.signal(signal.SIGTERM, leave)
    OUT.mkdir(parents=True, exist_ok=True)
    console = Console()
    if not console.is_terminal:
        console.width = 200
    here = machine.look()
    console.print(f"[bold]{here}[/]", highlight=False)
    figures: list[Figure] = []
    failures = list(measure_all(options, console, figures))
    show(console, figures)
    for failure in failures:
        console.print(f"not measured: {failure}", style="red", highlight=False, markup=False)
    path = OUT / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl"
    write_lines(path, {**here.as_line(), "options": json.loads(json.dumps(vars(options)))}, figures)
    console.print(f"\n{path}", highlight=False)
    missed = [figure for figure in figures if figure.verdict is Verdict.SHORT]
    if options.strict:
        for figure in missed:
            told = f"missed: {figure.name}: {render(figure.value)}, not {figure.aim}"
            console.print(told, style="red", highlight=False, markup=False)
    if failures:
        return 2
    return int(options.strict and bool(missed))


def measure_all(
    options: argparse.Namespace, console: Console, figures: list[Figure]
) -> Iterator[str]:
    """Measure one thing after another into ``figures``; yields what could not be measured."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(
            prefix="bff-bench-", dir=MEMORY if MEMORY.exists() else None
        ) as folder,
        Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress,
        Run(
            Path(folder),
            OUT,
            lengths_of(options),
            options.kafka,
            progress,
            is_profiled=options.profile,
            is_published=options.publish and not options.quick,
        ) as run,
    ):
        task = progress.add_task("all", total=len(options.only))
        for name in options.only:
            progress.update(task, description=f"[bold]{name}[/]")
            try:
                figures.extend(MEASUREMENTS[name](run))  # one by one: what was had before is kept
            except Exception as failure:  # noqa: BLE001 - one measurement, not the others
                yield f"{name}: {type(failure).__name__}: {failure}"
            progress.advance(task)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=(*MEASUREMENTS, *GROUPS),
        metavar="NAME",
        help=f"measure this alone; repeatable: {', '.join(MEASUREMENTS)}; or a group of them: "
        f"{', '.join(GROUPS)} (default: {EVENTS}), of which those alone that are named beside it",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a quarter of everything: only to see that it works"
    )
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="of the look at memory (%(default)g; 10 in full)"
    )
    parser.add_argument(
        "--kafka",
        choices=("auto", "real", "mock"),
        default="auto",
        help="which one; auto: Apache Kafka where it can be had",
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help=f"run projectors, and gateways that are flooded, under cProfile, into {OUT}: where "
        "time goes, not how much of it",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit code 1 when a figure falls short"
    )
    parser.add_argument(
        "--publish", action="store_true", help="write the table and chart of speed into the pages"
    )
    options = parser.parse_args(argv)
    options.only = chosen(options.only or [EVENTS])
    return options


def chosen(names: Sequence[str]) -> Sequence[str]:
    """What is measured; of a group whose members are named beside it, those alone.

    >>> chosen(["tokens", "token-sizes"])
    ['token-sizes']
    >>> len(chosen(["tokens"])) > 1
    True
    """
    narrowed = {name for name, members in GROUPS.items() if {*members} & {*names}}
    return [one for name in names if name not in narrowed for one in GROUPS.get(name, (name,))]


def lengths_of(options: argparse.Namespace) -> Lengths:
    """How much is measured."""
    lengths = replace(Lengths(), minutes=options.minutes)
    return lengths.quick() if options.quick else lengths


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
