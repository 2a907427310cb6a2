"""Install the npm packages that `tests/clients/packages.lock` pins, for the recipes to run with.

    python scripts/client_packages.py

The rule: nothing is unpacked but a tarball whose sha512 the lock names, and the folder appears
whole or not at all, under the lock's own digest: whoever finds it may use it. npm only fetches; no
script of any package is run. Installed already: silent, no npm started.
"""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

if __name__ == "__main__":  # run as a file, it finds its neighbours from the project's root
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from scripts.playground_assets import (
    AssetsError,
    NotFetched,
    Pin,
    WrongBytes,
    integrity_of,
    parse_lock,
)

ROOT: Final = Path(__file__).resolve().parent.parent
LOCK: Final = ROOT / "tests" / "clients" / "packages.lock"
FOLDER: Final = ROOT / ".data" / "clients"

TIME_LIMIT_S: Final = 30.0
"""For all packages together: some 3 s, and a test that waits for them has 60."""

MODULES: Final = "node_modules/"


def install(
    folder: Path = FOLDER,
    *,
    lock: Path = LOCK,
    npm: str | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> Path:
    """The `node_modules` folder of this very lock, which is filled first where it is not there.

    A package is named by its place: ``a/node_modules/b`` is the ``b`` that ``a`` alone uses.
    Idempotent, and safe beside another run. Raises `AssetsError`; nothing is left behind then.
    """
    text = lock.read_text("utf-8")
    home = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
    modules = home / "node_modules"
    if modules.is_dir():
        return modules
    tool = npm or shutil.which("npm")
    if tool is None:
        raise NotFetched("npm not found")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=folder) as incoming:
        pins = parse_lock(text)
        for pin, tarball in verified(pins, _fetch(pins, tool, Path(incoming), time_limit_s)):
            unpack(tarball, Path(incoming) / "home" / "node_modules" / pin.name)
        _put_in_place(Path(incoming) / "home", home)
    return modules


def verified(pins: Iterable[Pin], tarballs: Iterable[bytes]) -> Iterator[tuple[Pin, bytes]]:
    """Each pin with the tarball that has its sha512; raises `WrongBytes` where there is none."""
    arrived = {integrity_of(tarball): tarball for tarball in tarballs}
    for pin in pins:
        if pin.integrity not in arrived:
            raise WrongBytes(f"{pin} is not the pinned package\n  want {pin.integrity}")
        yield pin, arrived[pin.integrity]


def unpack(tarball: bytes, folder: Path) -> None:
    """Write the regular files of a package below ``folder``; raises `WrongBytes` for any beside."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for member in archive:
            if not member.isfile():
                continue
            path = PurePosixPath(member.name)
            content = archive.extractfile(member)
            if ".." in path.parts or path.is_absolute() or content is None:
                raise WrongBytes(f"{member.name} would leave its folder")
            # The first part is "package", or whatever its author called the folder.
            target = folder.joinpath(*path.parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())


def named(pin: Pin) -> str:
    """The package of a pin, as npm is asked for it."""
    return str(pin).rpartition(MODULES)[2]


def _fetch(pins: Iterable[Pin], npm: str, folder: Path, time_limit_s: float) -> list[bytes]:
    """The packages' tarballs, unverified, through npm and its own settings."""
    # In an empty folder, so that no .npmrc or workspace of a project has a say. No retries: without
    # a network npm would wait through a minute of them.
    specs = sorted(set(map(named, pins)))
    command = [npm, "pack", *specs, "--ignore-scripts", "--prefer-offline", "--silent"]
    try:
        subprocess.run(
            [*command, "--fetch-retries=0"],
            cwd=folder,
            timeout=time_limit_s,
            check=True,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        raise NotFetched("no time left while npm fetched the packages") from None
    except (subprocess.CalledProcessError, OSError):
        raise NotFetched("npm could not fetch the packages") from None
    return [path.read_bytes() for path in folder.glob("*.tgz")]


def _put_in_place(arrived: Path, home: Path) -> None:
    try:
        arrived.rename(home)
    except OSError:
        if not home.is_dir():  # else another run was first, with the same bytes
            raise


def main() -> int:
    """Run for `make`: 1, and why, when they cannot be had."""
    try:
        print(f"clients: in {install().relative_to(ROOT)}")
    except AssetsError as problem:
        print(f"clients: not installed: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
