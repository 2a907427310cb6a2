"""The install script: right bytes or none, and never in the way of a start."""

import io
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from gateway.playground.site import ASSET_FILES, PAGES_FOLDER, PlaygroundSite
from scripts import playground_assets

LOCK_FILE: Final = PAGES_FOLDER.parent / "assets.lock"
PINNED_FILES: Final = {
    "react": {"umd/react.production.min.js": b"react"},
    "graphiql": {"graphiql.min.js": b"graphiql", "graphiql.min.css": b"style"},
}


def tarball_of(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@dataclass(frozen=True)
class Workshop:
    """A playground folder with a lock, and an npm that hands out tarballs from a shelf."""

    playground: Path
    shelf: Path
    npm: Path

    @property
    def assets(self) -> Path:
        return self.playground / "assets"

    @property
    def npm_starts(self) -> int:
        log = self.shelf / "starts.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def install(self) -> bool:
        return playground_assets.install(self.playground, npm=str(self.npm))

    def installed(self) -> dict[str, bytes]:
        if not self.assets.exists():
            return {}
        return {
            path.name: path.read_bytes()
            for path in self.assets.iterdir()
            if path.name != playground_assets.STAMP_NAME
        }

    def break_npm(self) -> None:
        self.npm.write_text("#!/bin/sh\nexit 1\n")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Lock, shelf and npm agree with each other."""
    made = Workshop(tmp_path / "playground", tmp_path / "shelf", tmp_path / "npm")
    made.playground.mkdir()
    made.shelf.mkdir()
    lines = ["# pinned"]
    for name, files in PINNED_FILES.items():
        tarball = tarball_of(files)
        (made.shelf / f"{name}@1.0.0.tgz").write_bytes(tarball)
        lines.append(f"{name} 1.0.0 {playground_assets.integrity_of(tarball)}")
        lines += [f"  {path}" for path in files]
    (made.playground / "assets.lock").write_text("\n".join(lines) + "\n")
    # `npm pack NAME@VERSION …` leaves a tarball in the folder it is started in.
    made.npm.write_text(
        f'#!/bin/sh\necho "$2" >> "{made.shelf}/starts.log"\n'
        f'exec /bin/cp "{made.shelf}/$2.tgz" ./package.tgz\n'
    )
    made.npm.chmod(0o755)
    return made


def test_verified_files_are_installed_and_nothing_else(workshop: Workshop) -> None:
    """Out of packages with the pinned sha512 come exactly the files that the lock names."""
    is_new = workshop.install()

    assert is_new
    assert workshop.installed() == {
        "react.production.min.js": b"react",
        "graphiql.min.js": b"graphiql",
        "graphiql.min.css": b"style",
    }


def test_complete_install_starts_no_npm(workshop: Workshop) -> None:
    """What is in place and unchanged is left alone, without asking anybody."""
    workshop.install()
    starts = workshop.npm_starts

    is_new = workshop.install()

    assert not is_new
    assert workshop.npm_starts == starts == len(PINNED_FILES)


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_damaged_file_is_installed_again(workshop: Workshop, damage: str) -> None:
    """A file that is no longer the verified one is noticed and replaced."""
    workshop.install()
    victim = workshop.assets / "graphiql.min.js"
    if damage == "changed":
        victim.write_bytes(b"edited")
    else:
        victim.unlink()

    is_new = workshop.install()

    assert is_new
    assert victim.read_bytes() == b"graphiql"


def test_new_lock_installs_again(workshop: Workshop) -> None:
    """The install belongs to one lock: another lock is another install."""
    workshop.install()
    lock = workshop.playground / "assets.lock"
    lock.write_text(lock.read_text() + "# a newer pin\n")

    assert workshop.install()


def test_one_wrong_byte_refuses_everything(workshop: Workshop) -> None:
    """A package with another sha512 is refused by name, and no file of any package is installed."""
    tampered = tarball_of({"graphiql.min.js": b"evil", "graphiql.min.css": b"style"})
    (workshop.shelf / "graphiql@1.0.0.tgz").write_bytes(tampered)

    with pytest.raises(playground_assets.WrongBytes, match=r"graphiql@1\.0\.0"):
        workshop.install()

    assert workshop.installed() == {}


def test_refused_update_leaves_the_older_install_whole(workshop: Workshop) -> None:
    """Nothing already installed is touched by an update that is refused."""
    workshop.install()
    before = workshop.installed()
    lock = workshop.playground / "assets.lock"
    lock.write_text(lock.read_text() + "# a newer pin\n")
    (workshop.shelf / "graphiql@1.0.0.tgz").write_bytes(tarball_of({}))

    with pytest.raises(playground_assets.WrongBytes):
        workshop.install()

    assert workshop.installed() == before


def test_pinned_package_without_the_file_is_refused(workshop: Workshop) -> None:
    """A lock that names a file the package lacks says so instead of half-installing."""
    lock = workshop.playground / "assets.lock"
    lock.write_text(lock.read_text() + "  no-such-file.js\n")

    with pytest.raises(playground_assets.WrongBytes, match=r"no-such-file\.js"):
        workshop.install()

    assert workshop.installed() == {}


def test_failing_npm_installs_nothing(workshop: Workshop) -> None:
    """No network is reported as not fetched, which a later run may mend."""
    workshop.break_npm()

    with pytest.raises(playground_assets.NotFetched, match="npm could not fetch react"):
        workshop.install()

    assert workshop.installed() == {}


def test_no_time_left_installs_nothing(workshop: Workshop) -> None:
    """The time limit holds for all packages together, and running out of it is no failure."""
    with pytest.raises(playground_assets.NotFetched, match="no time left"):
        playground_assets.install(workshop.playground, npm=str(workshop.npm), time_limit_s=0.0)

    assert workshop.installed() == {}


def run_script(workshop: Workshop, *, search_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the script as make does, on a playground folder of its own and with this PATH."""
    root = workshop.playground.parent
    copy = root / "scripts" / "playground_assets.py"
    copy.parent.mkdir()
    (root / "gateway").mkdir()
    (root / "gateway" / "playground").symlink_to(workshop.playground)
    copy.write_bytes(Path(playground_assets.__file__).read_bytes())
    return subprocess.run(
        [sys.executable, str(copy)],
        env={"PATH": str(search_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_machine_without_npm_gets_the_plain_page_and_one_line(
    workshop: Workshop, tmp_path: Path
) -> None:
    """Without npm the script says in one line what will be shown, and does not fail."""
    empty = tmp_path / "empty"
    empty.mkdir()

    result = run_script(workshop, search_path=empty)

    assert result.returncode == 0
    assert result.stdout.startswith("playground: plain page (npm not found)")
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_wrong_bytes_fail_the_command_loudly(workshop: Workshop) -> None:
    """A mismatch ends with exit code 1 and says what was wanted and what came."""
    wrong = tarball_of({"umd/react.production.min.js": b"evil"})
    (workshop.shelf / "react@1.0.0.tgz").write_bytes(wrong)

    result = run_script(workshop, search_path=workshop.npm.parent)

    assert result.returncode == 1
    assert "REFUSED, nothing installed: react@1.0.0" in result.stderr
    assert playground_assets.integrity_of(wrong) in result.stderr
    assert workshop.installed() == {}


def test_lock_and_site_name_the_same_files() -> None:
    """What is installed is what is served: the lock and the site's table agree."""
    pins = playground_assets.parse_lock(LOCK_FILE.read_text("utf-8"))

    names = [name for pin in pins for name in pin.files.values()]

    assert sorted(names) == sorted(ASSET_FILES)


def test_lock_pins_exact_versions_and_hashes_without_addresses() -> None:
    """Every pin has an exact version and a sha512, and the lock names no host."""
    text = LOCK_FILE.read_text("utf-8")

    pins = playground_assets.parse_lock(text)

    assert pins
    assert all(pin.version.replace(".", "").isdigit() for pin in pins)
    assert all(pin.integrity.startswith("sha512-") and len(pin.integrity) == 95 for pin in pins)
    assert "://" not in text


def test_installed_files_turn_the_plain_page_into_graphiql(workshop: Workshop) -> None:
    """The script's last rename is what the site looks for: before it plain, after it GraphiQL."""
    contents = dict.fromkeys(ASSET_FILES, b"/* stand-in */")
    before = PlaygroundSite.load(assets_folder=workshop.assets)

    playground_assets.put_in_place(workshop.assets, contents, "lock")

    after = PlaygroundSite.load(assets_folder=workshop.assets)
    assert (before.has_assets, after.has_assets) == (False, True)
