"""The figures for people, as a table, and for programs, as one file of JSON lines a run."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Verdict, render

COLOURS: Final = {Verdict.PASS: "green", Verdict.SHORT: "red", Verdict.TOLD: "dim"}


def make_table(figures: Iterable[Figure]) -> Table:
    """One row a figure."""
    table = Table("figure", title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in ("measured", "aim", "control", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    table.add_column("under which circumstances", style="dim")
    for figure in figures:
        table.add_row(*cells(figure))
    return table


def cells(figure: Figure) -> Sequence[str]:
    """What a row says."""
    control, ratio = figure.control, figure.ratio
    verdict = figure.verdict
    return (
        figure.name,
        f"{render(figure.value)} {figure.unit}",
        "" if figure.aim is None else str(figure.aim),
        "" if control is None else f"{render(control.value)} {control.name}",
        "" if ratio is None else f"× {render(ratio)}",
        f"[{COLOURS[verdict]}]{verdict}[/]",
        figure.note,
    )


def write_lines(path: Path, circumstances: Mapping[str, object], figures: Iterable[Figure]) -> None:
    """One line that describes the run, then a line for each figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [dict(circumstances), *(figure.as_line() for figure in figures)]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def show(console: Console, figures: Sequence[Figure]) -> None:
    """Print the table."""
    console.print(make_table(figures))
