"""The packages of the recipes: the pinned bytes or none."""

import io
import stat
import sys
import tarfile
from pathlib import Path

import pytest

from scripts.client_packages import LOCK, install, unpack
from scripts.playground_assets import NotFetched, WrongBytes, integrity_of, parse_lock


def tarball_of(*paths: str) -> bytes:
    """A package with these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in paths:
            member = tarfile.TarInfo(path)
            member.size = len(path)
            archive.addfile(member, io.BytesIO(path.encode()))
    return packed.getvalue()


def npm_with(folder: Path, tarball: bytes) -> str:
    """An npm that fetches this tarball, whatever it is asked for."""
    (folder / "shelf.tgz").write_bytes(tarball)
    npm = folder / "npm"
    npm.write_text(
        f"#!{sys.executable}\nimport shutil\nshutil.copy({str(folder / 'shelf.tgz')!r}, 'a.tgz')\n"
    )
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    return str(npm)


def lock_of(folder: Path, tarball: bytes) -> Path:
    """A lock that pins this tarball."""
    lock = folder / "packages.lock"
    lock.write_text(f"# why\n@some/package 1.0.0 {integrity_of(tarball)}\n")
    return lock


def test_the_pinned_package_is_unpacked_once(tmp_path: Path) -> None:
    """It lies under its name in node_modules; a second run starts no npm."""
    tarball = tarball_of("package/package.json", "package/dist/index.js")
    lock = lock_of(tmp_path, tarball)
    modules = install(tmp_path / "to", lock=lock, npm=npm_with(tmp_path, tarball))

    again = install(tmp_path / "to", lock=lock, npm="/nowhere/npm")

    assert again == modules
    assert (modules / "@some/package/dist/index.js").read_text() == "package/dist/index.js"


def test_other_bytes_than_the_pinned_ones_leave_nothing(tmp_path: Path) -> None:
    """What npm brings is compared with the lock before anything of it is unpacked."""
    lock = lock_of(tmp_path, tarball_of("package/package.json"))
    npm = npm_with(tmp_path, tarball_of("package/another.json"))

    with pytest.raises(WrongBytes, match=r"@some/package@1\.0\.0 is not the pinned package"):
        install(tmp_path / "to", lock=lock, npm=npm)

    assert list((tmp_path / "to").iterdir()) == []


def test_an_npm_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """No network, or no such package: a failure that a later run may not have."""
    lock = lock_of(tmp_path, b"")

    with pytest.raises(NotFetched):
        install(tmp_path / "to", lock=lock, npm="/nowhere/npm")

    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.parametrize("path", ["package/../../up.js", "/package/up.js"])
def test_no_package_writes_outside_its_folder(tmp_path: Path, path: str) -> None:
    """A path that leads out of the package is refused."""
    with pytest.raises(WrongBytes):
        unpack(tarball_of(path), tmp_path / "package")

    assert not list(tmp_path.rglob("up.js"))


def test_the_lock_names_packages_and_hashes_and_no_address() -> None:
    """Everything is pinned by its sha512, to be fetched from wherever this machine fetches."""
    text = LOCK.read_text()
    pins = parse_lock(text)

    assert {"@apollo/client", "@urql/core", "graphql"} <= {pin.name for pin in pins}
    assert all(pin.integrity.startswith("sha512-") for pin in pins)
    assert "://" not in text
