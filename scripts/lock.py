"""Resolve the dependencies anew into the two lock files: names, versions, hashes, nothing else."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GROUPS = {"requirements.lock": ["--group", "build"], "requirements-dev.lock": ["--group", "dev"]}


def main() -> int:
    """Write both lock files; the exit code is the resolver's."""
    for lock, groups in GROUPS.items():
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *groups),
            *("--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"),
            *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--quiet"),
            *("--output-file", lock),
        ]
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            return done.returncode
        pins = [line for line in (ROOT / lock).read_text().splitlines() if line[:1].isalpha()]
        print(f"{lock}: {len(pins)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
