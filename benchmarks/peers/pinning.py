"""`python -m benchmarks.peers.pinning`: write `packages.lock` from what `package.json` names.

npm resolves, in a folder that is gone afterwards. What is kept of each package is its place, its
version and the sha512 of its tarball, and not where it came from.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LOCK: Final = HERE / "packages.lock"
MODULES: Final = "node_modules/"
HEAD: Final = """\
# What the peers of `make bench-peers` run with: place in node_modules, version and integrity of
# each package's tarball. Written by `python -m benchmarks.peers.pinning` from package.json.
# scripts/client_packages.py puts them into .data/peers, which is never committed.
"""


def main() -> int:
    """Resolve anew; 1 where npm cannot."""
    npm = shutil.which("npm")
    if npm is None:
        return 1
    with tempfile.TemporaryDirectory(prefix="pinning-") as folder:
        shutil.copy(HERE / "package.json", folder)
        command = (npm, "install", "--package-lock-only", "--ignore-scripts", "--silent")
        if subprocess.run(command, cwd=folder, check=False).returncode:
            return 1
        resolved = json.loads((Path(folder) / "package-lock.json").read_text())["packages"]
    LOCK.write_text(render_lock(resolved))
    return 0


def render_lock(packages: Mapping[str, Mapping[str, str]]) -> str:
    """A line for each package that npm has resolved, in the order of their places."""
    lines = [
        f"{place.removeprefix(MODULES)} {found['version']} {found['integrity']}\n"
        for place, found in sorted(packages.items())
        if place
    ]
    return HEAD + "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
