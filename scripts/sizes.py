"""How large files and functions are, by folder; fails over the house's bar.

The bar has two halves: no single file or function over a maximum, anywhere; and, over all sources,
a typical file and function that stay small (median, 90th percentile).
"""

import ast
import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("gateway", "resolvers", "projections", "upstream_stubs")
BESIDE = ("benchmarks", "scripts", "tests")
FILE_MAX_LINES = 300
FILE_MEDIAN_LINES = 120
FUNCTION_MAX_LINES = 50
FUNCTION_P90_LINES = 25
FUNCTION_MEDIAN_LINES = 8


@dataclass(frozen=True)
class Sizes:
    """Lines by the name of the file or function."""

    files: dict[str, int]
    functions: dict[str, int]


def main() -> int:
    """Print the report; 1 if anything is over the bar."""
    folders = {folder: sizes_of([folder]) for folder in (*SOURCES, *BESIDE)}
    sources = sizes_of(SOURCES)
    print(f"{'':<16}{'files':>6}  lines/file med·p90·max    lines/function med·p90·max")
    for name, sizes in {**folders, "all sources": sources}.items():
        files, functions = spread(sizes.files.values()), spread(sizes.functions.values())
        print(f"{name:<16}{len(sizes.files):>6}  {told(files):<24}  {told(functions)}")
    source_lines = sum(sources.files.values())
    print(f"\ntests : sources = {sum(folders['tests'].files.values()) / source_lines:.2f} lines")
    excesses = [*over_the_maximum(folders.values()), *over_the_typical(sources)]
    for excess in excesses:
        print(f"too large: {excess}")
    return 1 if excesses else 0


def sizes_of(folders: Iterable[str]) -> Sizes:
    """Every Python file below these folders, and every function in them."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    return Sizes(
        files={name: text.count("\n") for name, text in texts.items()},
        functions={
            f"{name}:{line} {function}": size
            for name, text in texts.items()
            for function, line, size in measure(text)
        },
    )


def measure(text: str) -> Iterator[tuple[str, int, int]]:
    """Name, line and length of every function, without its decorators and docstring."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node) else None
            doc_lines = 0 if doc is None else (doc.end_lineno or doc.lineno) - doc.lineno + 1
            yield (
                node.name,
                node.lineno,
                (node.end_lineno or node.lineno) - node.lineno + 1 - doc_lines,
            )


def spread(sizes: Iterable[int]) -> tuple[float, int, int]:
    """Median, 90th percentile and maximum."""
    ordered = sorted(sizes) or [0]
    return statistics.median(ordered), ordered[int(len(ordered) * 0.9)], ordered[-1]


def told(sizes: tuple[float, int, int]) -> str:
    """The three numbers as the report shows them."""
    return " · ".join(f"{size:g}" for size in sizes)


def over_the_maximum(folders: Iterable[Sizes]) -> Iterator[str]:
    """Each file and function that is too large by itself."""
    for sizes in folders:
        for named, limit in ((sizes.files, FILE_MAX_LINES), (sizes.functions, FUNCTION_MAX_LINES)):
            yield from (
                f"{n}: {size} lines, over {limit}" for n, size in named.items() if size > limit
            )


def over_the_typical(sources: Sizes) -> Iterator[str]:
    """What is too large about the typical file and function of the sources."""
    file_median, *_ = spread(sources.files.values())
    function_median, function_p90, _ = spread(sources.functions.values())
    for what, size, limit in (
        ("the median file", file_median, FILE_MEDIAN_LINES),
        ("the median function", function_median, FUNCTION_MEDIAN_LINES),
        ("nine functions of ten", function_p90, FUNCTION_P90_LINES),
    ):
        if size > limit:
            yield f"{what}: {size:g} lines, over {limit}"


if __name__ == "__main__":
    sys.exit(main())
