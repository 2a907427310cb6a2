"""Make the project's own Python environment, `.venv`, from a lock file with hashes.

    python3 scripts/environment.py run|dev

The rule: the stamp is written last, so an environment without one was never finished, and is made
anew. Does nothing when the environment is already what the lock says. Needs the standard library
only, and no newer syntax than an old Python can read as far as its own refusal.
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEWER_NAMES = ("python3.13", "python3.12", "python3.11")


def restart_with_newer_python() -> None:
    """Go on in a Python that is new enough, if there is one on the path; else refuse."""
    for name in NEWER_NAMES:
        found = shutil.which(name)
        # A name on the path may be a version manager's shim with nothing behind it: try it.
        if found and subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            print("environment: this is Python %s; taking %s" % (sys.version.split()[0], found))
            sys.stdout.flush()
            sys.exit(subprocess.call([found, *sys.argv]))
    sys.exit(
        "environment: this project needs Python 3.11 or newer; this is %s (%s), and none of %s\n"
        "  is on the path. Install one, or name the one you have: make run PYTHON=/path/to/python3"
        % (sys.version.split()[0], sys.executable, ", ".join(NEWER_NAMES))
    )


if sys.version_info < OLDEST:
    restart_with_newer_python()

import hashlib
import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if os.name == "posix":
    import fcntl

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.txt"
LOCKS = {"run": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
PIP_OUTPUT_LINES = 15
INTERRUPTED = 130  # the exit code that a shell gives to a program ended by Ctrl-C


class CannotMake(Exception):
    """The environment cannot be made; the text says why and what to do."""


def main() -> int:
    """Bring `.venv` to what the wanted lock says; 0 when it is."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "run"
    if wanted not in LOCKS:
        print(f"usage: {Path(__file__).name} run|dev", file=sys.stderr)
        return 2
    try:
        with only_one_at_a_time():
            make(wanted)
    except (CannotMake, OSError) as error:
        print(f"environment: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nenvironment: interrupted; the next make begins it anew", file=sys.stderr)
        return INTERRUPTED
    return 0


def make(wanted: str) -> None:
    """Create or update the environment, unless it is right already."""
    installed = read_stamp()
    if installed in {stamp_of(wanted), stamp_of("dev")}:  # the larger serves for the smaller
        return
    started_at_s = time.monotonic()
    if VENV.exists() and not installed.startswith(origin()):
        why = "was made by another Python or elsewhere" if installed else "is half-made"
        remove_venv(why)
    if not VENV.exists():
        print("environment: creating .venv", flush=True)
        create_venv()
    STAMP.unlink(missing_ok=True)
    print(f"environment: installing {LOCKS[wanted].name} (pinned, with hashes)", flush=True)
    pip("install", "--require-hashes", "--requirement", str(LOCKS[wanted]))
    pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(stamp_of(wanted))
    print(f"environment: ready after {time.monotonic() - started_at_s:.0f} s", flush=True)


def origin() -> str:
    """Its Python, and the place its scripts name: what an environment cannot be moved from."""
    return f"python {sys.version_info[0]}.{sys.version_info[1]} at {VENV}\n"


def stamp_of(kind: str) -> str:
    """The full name of an environment: its origin, its lock, what the project declares."""
    digest = hashlib.sha256(LOCKS[kind].read_bytes())
    digest.update((ROOT / "pyproject.toml").read_bytes())
    return f"{origin()}{kind} {digest.hexdigest()}\n"


def read_stamp() -> str:
    """What is installed; empty if that was never finished, or the Python behind it is gone."""
    return STAMP.read_text() if STAMP.is_file() and VENV_PYTHON.exists() else ""


def create_venv() -> None:
    """A new virtual environment with pip."""
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise CannotMake(
            "this Python cannot make virtual environments (it has no ensurepip).\n"
            f"  On Debian and Ubuntu: apt-get install python{version}-venv"
        )
    run_quietly([sys.executable, "-m", "venv", str(VENV)], "python -m venv failed:")


def remove_venv(why: str) -> None:
    """Remove what is at `.venv` if it is a virtual environment, or an attempt at one."""
    is_folder = VENV.is_dir() and not VENV.is_symlink()
    if not is_folder or not ((VENV / "pyvenv.cfg").exists() or not any(VENV.iterdir())):
        raise CannotMake(f"{VENV} is there but is no virtual environment; move it away")
    print(f"environment: .venv {why}; making it anew", flush=True)
    shutil.rmtree(VENV)


def pip(*arguments: str) -> None:
    """Run pip inside the environment; its last lines are shown when it fails."""
    quiet = ("--disable-pip-version-check", "--no-input", "--quiet")
    run_quietly(
        [str(VENV_PYTHON), "-m", "pip", *quiet, *arguments],
        "pip failed. Is the package index reachable, and is there disk space? It said:",
    )


def run_quietly(command: list[str], failure: str) -> None:
    """Run a command without a sound, unless it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-PIP_OUTPUT_LINES:]
        raise CannotMake("\n  ".join([failure, *said]))


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Let a second `make` wait for the first instead of building over it."""
    if os.name != "posix":
        yield
        return
    with (ROOT / ".venv.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("environment: another make is at it; waiting", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
