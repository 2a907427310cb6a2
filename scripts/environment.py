"""Make the project's own Python environment, `.venv`, from a lock file with hashes.

    python3 scripts/environment.py run|dev

Does nothing when the environment is already what the lock says. Needs the standard library only,
and no newer syntax than a very old Python can read as far as its own refusal.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "This project needs Python 3.11 or newer; this is %s (%s).\n"
        "Install a newer one, or name it: make run PYTHON=python3.12"
        % (sys.version.split()[0], sys.executable)
    )

import hashlib
import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if os.name == "posix":
    import fcntl

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.txt"
LOCKS = {"run": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
PIP_OUTPUT_LINES = 15


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
    except CannotMake as error:
        print(f"environment: {error}", file=sys.stderr)
        return 1
    return 0


def make(wanted: str) -> None:
    """Create or update the environment, unless it is right already."""
    installed = read_stamp()
    if installed in acceptable_stamps(wanted):
        return
    started_at_s = time.monotonic()
    if VENV.exists() and installed is None:
        print("environment: .venv is half-made; making it anew", flush=True)
        remove_venv()
    if not VENV.exists():
        print("environment: creating .venv", flush=True)
        create_venv()
    STAMP.unlink(missing_ok=True)
    print(f"environment: installing {LOCKS[wanted].name} (pinned, with hashes)", flush=True)
    pip("install", "--require-hashes", "--requirement", str(LOCKS[wanted]))
    pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(stamp_of(wanted))
    print(f"environment: ready after {time.monotonic() - started_at_s:.0f} s", flush=True)


def acceptable_stamps(wanted: str) -> set[str]:
    """What may be installed for ``wanted``: the larger environment serves for the smaller."""
    return {stamp_of(wanted), stamp_of("dev")}


def stamp_of(kind: str) -> str:
    """The name of an environment: its lock, what the project itself declares, and the Python."""
    digest = hashlib.sha256(LOCKS[kind].read_bytes())
    digest.update((ROOT / "pyproject.toml").read_bytes())
    return f"{kind} {digest.hexdigest()} python {sys.version_info[0]}.{sys.version_info[1]}\n"


def read_stamp() -> str | None:
    """What is installed; None if that was never finished, or the Python behind it is gone."""
    if not STAMP.is_file() or not venv_python().exists():
        return None
    return STAMP.read_text()


def create_venv() -> None:
    """A new virtual environment with pip."""
    if importlib.util.find_spec("ensurepip") is None:
        raise CannotMake(
            "this Python cannot make virtual environments (no ensurepip). On Debian and Ubuntu: "
            "apt-get install python3-venv"
        )
    run_quietly([sys.executable, "-m", "venv", str(VENV)], "python -m venv failed")


def remove_venv() -> None:
    """Remove what is at `.venv` if it is a virtual environment, or an attempt at one."""
    is_ours = (VENV / "pyvenv.cfg").exists() or not any(VENV.iterdir())
    if not is_ours:
        raise CannotMake(f"{VENV} is there but is no virtual environment; move it away")
    shutil.rmtree(VENV)


def pip(*arguments: str) -> None:
    """Run pip inside the environment; its last lines are shown when it fails."""
    python = str(venv_python())
    command = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    run_quietly(command, "pip failed. Is the package index reachable, and is there disk space?")


def run_quietly(command: list[str], failure: str) -> None:
    """Run a command without a sound, unless it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-PIP_OUTPUT_LINES:]
        raise CannotMake("\n  ".join([failure, *said]))


def venv_python() -> Path:
    """The environment's own interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


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
