"""How the operator's tools look: widths, ages and amounts, the same in all of them."""

from rich.console import Console
from rich.table import Table

PIPED_WIDTH = 160
"""Columns where there is no terminal: lines of a table must not break in a log."""

SPANS_S = ((86_400, "d"), (3_600, "h"), (60, "min"))


def make_console() -> Console:
    """The console of one command."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def make_table(*columns: str) -> Table:
    """A table whose first column is never cut, because it is what one copies."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, overflow="ellipsis" if number else "fold", no_wrap=number > 0)
    return table


def render_age(age_s: float) -> str:
    """A length of time as people say it: the one largest unit, rounded down.

    >>> render_age(0.25), render_age(59), render_age(150), render_age(200_000)
    ('0.2 s', '59 s', '2 min', '2 d')
    """
    for span_s, unit in SPANS_S:
        if age_s >= span_s:
            return f"{int(age_s // span_s)} {unit}"
    return f"{age_s:.1f} s" if age_s < 10 else f"{age_s:.0f} s"


def render_count(count: int, noun: str) -> str:
    """A number with its noun in the right number.

    >>> render_count(1, "row"), render_count(0, "row"), render_count(12_345, "row")
    ('1 row', '0 rows', '12,345 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
