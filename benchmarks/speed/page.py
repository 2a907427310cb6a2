"""The table that the README shows, between two markers that nobody sees."""

from collections.abc import Iterator, Mapping
from typing import Final

from benchmarks.figures import render
from benchmarks.speed.results import (
    Results,
    cpu_us,
    p50_ms,
    p99_ms,
    range_of,
    rate,
    ratio_of,
    resident_mb,
)
from benchmarks.speed.rows import PAGES, RAW

HEADS: Final = ("variant", "CPU µs a request", "req/s", "p50 / p99 ms", "MB", "of naive")
RAW_HEAD: Final = "of raw"


class MarkersMissing(ValueError):
    """The page has no place for the table."""


def put_between(page: str, name: str, content: str) -> str:
    """The page with this between the markers of this name, instead of what was there.

    Raises `MarkersMissing`.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, found, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise MarkersMissing(f"{begin.strip()} … {end.strip()}")
    return f"{before}{begin}{content}{end}{after}"


def render_table(results: Results, naive_of: Mapping[str, str]) -> str:
    """A line a row, in the order of measuring; CPU with its least and greatest round."""
    heads = [*HEADS, RAW_HEAD] if RAW in results else [*HEADS]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    lines += [list(_cells(name, results, naive_of)) for name in results]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(name: str, results: Results, naive_of: Mapping[str, str]) -> Iterator[str]:
    rounds = results[name]
    cpu = range_of(rounds, cpu_us)
    yield name
    yield f"{render(cpu.median)} ({render(cpu.least)}–{render(cpu.greatest)})"
    yield render(range_of(rounds, rate).median)
    yield " / ".join(render(range_of(rounds, of).median) for of in (p50_ms, p99_ms))
    yield f"{range_of(rounds, resident_mb).median:.0f}"
    yield _part(results, name, naive_of.get(name))
    if RAW in results:
        yield "" if name.startswith(PAGES) else _part(results, name, RAW)


def _part(results: Results, name: str, whole: str | None) -> str:
    """How large a row's CPU is beside another's: ``1/30`` or ``1.4 ×``."""
    ratio = None if whole is None or whole == name else ratio_of(results, name, whole, cpu_us)
    if ratio is None:
        return ""
    return f"{render(ratio.median)} ×" if ratio.median >= 1 else f"1/{render(1 / ratio.median)}"
