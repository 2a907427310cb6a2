"""`make check`: every house rule that is a command, side by side; output only of what failed."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS: dict[str, list[str]] = {
    "format": [str(BIN / "ruff"), "format", "--check", "."],
    "lint": [str(BIN / "ruff"), "check", "."],
    "types": [str(BIN / "mypy")],
    "imports": [str(BIN / "lint-imports"), "--no-cache"],
    "schema": [sys.executable, "-m", "gateway", "schema", "--check"],
    "sizes": [sys.executable, "scripts/sizes.py"],
}

REPORTS = {"sizes"}
"""Shown even when there is nothing to complain of."""


@dataclass(frozen=True)
class Result:
    """How one check ended."""

    name: str
    is_ok: bool
    seconds: float
    output: str


def main() -> int:
    """Run all checks; 0 when every one passes."""
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(run, CHECKS))
    for result in results:
        if not result.is_ok or result.name in REPORTS:
            print(f"---- {result.name}\n{result.output.rstrip()}\n")
    for result in results:
        print(f"{result.name:<9}{'ok' if result.is_ok else 'FAILED':<8}{result.seconds:5.1f} s")
    return 0 if all(result.is_ok for result in results) else 1


def run(name: str) -> Result:
    """Run one check to its end."""
    started_at_s = time.monotonic()
    done = subprocess.run(CHECKS[name], cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started_at_s
    return Result(name, done.returncode == 0, seconds, done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(main())
