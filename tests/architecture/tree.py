"""The project as files: what the rules about names, hosts and tests are checked on."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "resolvers", "projections", "upstream_stubs")

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    """Every Python file below these folders, named from the root of the project."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path.relative_to(ROOT) for path in found)


def definitions(path: Path) -> list[Definition]:
    """Every class and function of the file, however deep."""
    return [n for n in ast.walk(ast.parse(text_of(path))) if isinstance(n, Definition)]


@cache
def text_of(path: Path) -> str:
    """What the file says."""
    return (ROOT / path).read_text(encoding="utf-8")


def committed_texts() -> list[Path]:
    """Every text file that a clone holds or will hold; none where this is no clone."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    paths = {Path(name) for name in listed.stdout.split("\0") if name}
    return sorted(path for path in paths if is_text(ROOT / path))


def is_text(path: Path) -> bool:
    """Whether the file is there and is no binary."""
    return path.is_file() and b"\0" not in path.read_bytes()
