"""How large files and functions are, by package; fails over the house's bar."""

import ast
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("gateway", "resolvers", "projections", "upstream_stubs")
FILE_MAX_LINES = 300
FUNCTION_MAX_LINES = 50


def main() -> int:
    """Print the report; 1 if anything is over the bar."""
    too_large: list[str] = []
    print(f"{'package':<16}{'files':>6}  lines/file med·p90·max    lines/function med·p90·max")
    for package in SOURCES:
        files = {path: path.read_text() for path in sorted((ROOT / package).rglob("*.py"))}
        sizes = {path: text.count("\n") for path, text in files.items()}
        functions = {f"{p}:{n}": size for p, text in files.items() for n, size in measure(text)}
        print(
            f"{package:<16}{len(files):>6}  {spread(sizes.values()):<24}  "
            f"{spread(functions.values())}"
        )
        too_large += over(sizes, FILE_MAX_LINES) + over(functions, FUNCTION_MAX_LINES)
    print(f"\ntests : sources = {lines_of(['tests']) / lines_of(SOURCES):.2f} lines")
    for excess in too_large:
        print(f"too large: {excess}")
    return 1 if too_large else 0


def measure(text: str) -> Iterator[tuple[str, int]]:
    """Name and length in lines, without decorators and docstring, of every function."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node) else None
            doc_lines = 0 if doc is None else (doc.end_lineno or doc.lineno) - doc.lineno + 1
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - doc_lines


def spread(sizes: Iterable[int]) -> str:
    """Median, 90th percentile and maximum."""
    ordered = sorted(sizes) or [0]
    p90 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    return f"{statistics.median(ordered):g} · {p90} · {ordered[-1]}"


def over(sizes: "dict[Path, int] | dict[str, int]", limit: int) -> list[str]:
    """What is larger than ``limit``, and by how much."""
    return [f"{name}: {size} lines, over {limit}" for name, size in sizes.items() if size > limit]


def lines_of(folders: Iterable[str]) -> int:
    """All lines of Python below these folders."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sum(path.read_text().count("\n") for path in paths)


if __name__ == "__main__":
    sys.exit(main())
