"""Install the GraphiQL files that `gateway/playground/assets.lock` pins, if npm is at hand.

The rule: a file is put in place only out of a tarball whose sha512 equals the lock's; one wrong
byte and nothing is installed (exit 1). No npm, no network or no time left is not a failure
(exit 0): the playground then shows its plain page. Complete and
unchanged already: silent, no npm started.

Runs on a bare Python, before the project's environment exists: standard library only.
"""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PLAYGROUND_FOLDER = Path(__file__).resolve().parent.parent / "gateway" / "playground"

# For all packages together. A warm npm cache needs about 3 s, a slow line perhaps 20 s; `make run`
# must not be held up for longer by a page that has a plain twin.
TIME_LIMIT_S = 15.0

STAMP_NAME = ".installed"


@dataclass(frozen=True)
class Pin:
    """One package of the lock; `files` maps a path inside the package to its name in assets/."""

    name: str
    version: str
    integrity: str
    files: dict[str, str]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class AssetsError(Exception):
    """The assets were not installed; what was there before still is."""


class NotFetched(AssetsError):
    """npm is missing, failed or took too long: the plain page will do, a later run may succeed."""


class WrongBytes(AssetsError):
    """A package is not the one that was pinned: stop, and let a person look."""


def parse_lock(text: str) -> list[Pin]:
    """Read pins in file order; raises `ValueError` on a line of another shape."""
    pins: list[Pin] = []
    for line in text.splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if line.startswith(" "):
            pins[-1].files[words[0]] = words[-1].rpartition("/")[2]
        else:
            name, version, integrity = words
            pins.append(Pin(name, version, integrity, {}))
    return pins


def integrity_of(tarball: bytes) -> str:
    """Return the npm form of a sha512: `sha512-` and the digest in base64."""
    return "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()


def install(playground: Path, *, npm: str | None, time_limit_s: float = TIME_LIMIT_S) -> bool:
    """Install what the lock pins and return True, or return False when it is there already.

    Idempotent. Raises `AssetsError`; whatever was installed before is then untouched.
    """
    lock_text = (playground / "assets.lock").read_text("utf-8")
    assets = playground / "assets"
    if is_complete(assets, lock_text):
        return False
    if npm is None:
        raise NotFetched("npm not found")
    give_up_at_s = time.monotonic() + time_limit_s
    contents: dict[str, bytes] = {}
    for pin in parse_lock(lock_text):
        tarball = fetch(pin, npm, give_up_at_s - time.monotonic())
        contents |= verified_files(pin, tarball)
        print(f"playground: {pin} verified")
    put_in_place(assets, contents, lock_text)
    return True


def is_complete(assets: Path, lock_text: str) -> bool:
    """Tell whether the files in place are those of this very lock, byte for byte."""
    stamp = assets / STAMP_NAME
    if not stamp.is_file():
        return False
    names = [name for pin in parse_lock(lock_text) for name in pin.files.values()]
    if not all((assets / name).is_file() for name in names):
        return False
    contents = {name: (assets / name).read_bytes() for name in names}
    return stamp.read_text("utf-8") == render_stamp(contents, lock_text)


def render_stamp(contents: dict[str, bytes], lock_text: str) -> str:
    """Write down the lock and every file by digest, one a line."""
    everything = {"assets.lock": lock_text.encode(), **dict(sorted(contents.items()))}
    return "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in everything.items()
    )


def fetch(pin: Pin, npm: str, timeout_s: float) -> bytes:
    """Return the package's tarball, unverified, through npm and its own settings."""
    command = [npm, "pack", str(pin), "--ignore-scripts", "--prefer-offline", "--silent"]
    # Without this an offline machine would wait through npm's own retries, a minute and more.
    command.append("--fetch-retries=0")
    with tempfile.TemporaryDirectory(prefix="playground-") as folder:
        try:
            # Run in an empty folder, so that no .npmrc or workspace of a project has a say.
            subprocess.run(
                command, cwd=folder, timeout=max(timeout_s, 0.0), check=True, capture_output=True
            )
        except subprocess.TimeoutExpired:
            raise NotFetched(f"no time left while npm fetched {pin}") from None
        except (subprocess.CalledProcessError, OSError):
            raise NotFetched(f"npm could not fetch {pin}") from None
        tarballs = list(Path(folder).glob("*.tgz"))
        if len(tarballs) != 1:
            raise NotFetched(f"npm fetched no tarball of {pin}")
        return tarballs[0].read_bytes()


def verified_files(pin: Pin, tarball: bytes) -> dict[str, bytes]:
    """Return the pinned files by their name in assets/; raises `WrongBytes` on any difference."""
    found = integrity_of(tarball)
    if found != pin.integrity:
        raise WrongBytes(f"{pin} is not the pinned package\n  want {pin.integrity}\n  got  {found}")
    with tempfile.TemporaryFile() as spooled:
        spooled.write(tarball)
        spooled.seek(0)
        with tarfile.open(fileobj=spooled, mode="r:gz") as archive:
            return {name: read_member(archive, pin, path) for path, name in pin.files.items()}


def read_member(archive: tarfile.TarFile, pin: Pin, path: str) -> bytes:
    """Return one file's bytes without writing anything: an archive never chooses a path of ours."""
    try:
        member = archive.extractfile(f"package/{path}")
    except KeyError:
        member = None
    if member is None:
        raise WrongBytes(f"{pin} has no file {path}: does assets.lock name the right one?")
    return member.read()


def put_in_place(assets: Path, contents: dict[str, bytes], lock_text: str) -> None:
    """Move complete files in by rename, the stamp last: a run cut short is simply done again."""
    assets.mkdir(exist_ok=True)
    (assets / STAMP_NAME).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=assets) as incoming:
        stamp = {STAMP_NAME: render_stamp(contents, lock_text).encode()}
        for name, content in {**contents, **stamp}.items():
            arrived = Path(incoming) / name
            arrived.write_bytes(content)
            arrived.replace(assets / name)


def main() -> int:
    """Run for `make`: one line on what happened, 1 only when the bytes are wrong."""
    try:
        is_new = install(PLAYGROUND_FOLDER, npm=shutil.which("npm"))
    except WrongBytes as problem:
        print(f"playground: REFUSED, nothing installed: {problem}", file=sys.stderr)
        return 1
    except NotFetched as problem:
        print(f"playground: plain page ({problem}); `make playground` tries again")
        return 0
    if is_new:
        print("playground: GraphiQL installed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
