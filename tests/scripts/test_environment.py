"""The environment from the lock: made once, never trusted half-made, over nobody's files."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts import environment


@dataclass
class Project:
    """A project folder whose pip installs nothing but remembers what it was asked."""

    root: Path
    installed: list[str] = field(default_factory=list)
    venvs_created: int = 0

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def stamp(self) -> Path:
        return self.venv / "installed.txt"

    def pip(self, *arguments: str) -> None:
        self.installed += [Path(name).name for name in arguments if name.endswith(".lock")]

    def create_venv(self) -> None:
        self.venvs_created += 1
        (self.venv / "bin").mkdir(parents=True)
        (self.venv / "pyvenv.cfg").touch()
        (self.venv / "bin" / "python").touch()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    project = Project(tmp_path)
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    locks = {"run": tmp_path / "requirements.lock", "dev": tmp_path / "requirements-dev.lock"}
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", project.venv)
    monkeypatch.setattr(environment, "VENV_PYTHON", project.venv / "bin" / "python")
    monkeypatch.setattr(environment, "STAMP", project.stamp)
    monkeypatch.setattr(environment, "LOCKS", locks)
    monkeypatch.setattr(environment, "create_venv", project.create_venv)
    monkeypatch.setattr(environment, "pip", project.pip)
    return project


def test_a_finished_environment_is_left_alone(project: Project) -> None:
    """The second make finds the first one's work and installs nothing."""
    environment.make("run")

    environment.make("run")

    assert project.installed == ["requirements.lock"]


def test_the_larger_environment_serves_for_the_smaller(project: Project) -> None:
    """Who has made the environment of the developers can run without making another."""
    environment.make("dev")

    environment.make("run")

    assert project.installed == ["requirements-dev.lock"]


def test_the_smaller_environment_grows_into_the_larger(project: Project) -> None:
    """Who could run and now wants to test keeps the environment, and adds to it."""
    environment.make("run")

    environment.make("dev")

    assert project.installed == ["requirements.lock", "requirements-dev.lock"]
    assert project.venvs_created == 1


def test_a_changed_lock_is_installed_again(project: Project) -> None:
    """An environment is what its lock says, not what its lock once said."""
    environment.make("run")

    (project.root / "requirements.lock").write_text("a newer version of something")
    environment.make("run")

    assert project.installed == ["requirements.lock"] * 2
    assert project.venvs_created == 1


def test_a_half_made_environment_is_made_anew(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a stamp nobody knows how far the last make came, so nothing of it is kept."""
    project.create_venv()
    (project.venv / "half-installed").touch()

    environment.make("run")

    assert not (project.venv / "half-installed").exists()
    assert "half-made" in capsys.readouterr().out


@pytest.mark.parametrize("was", ["python 3.10 at {venv}\n", "python 3.11 at /elsewhere/.venv\n"])
def test_an_environment_of_another_python_or_place_is_made_anew(project: Project, was: str) -> None:
    """Scripts and packages name their Python and their folder: neither can be changed later."""
    project.create_venv()
    project.stamp.write_text(was.format(venv=project.venv) + "run 0123\n")

    environment.make("run")

    assert project.venvs_created == 2


def test_a_folder_that_is_no_environment_is_refused(project: Project) -> None:
    """Nothing is deleted that was not made here."""
    precious = project.venv / "precious.txt"
    project.venv.mkdir()
    precious.touch()

    with pytest.raises(environment.CannotMake, match="move it away"):
        environment.make("run")

    assert precious.exists()


def test_the_stamp_is_written_last(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """An install that fails leaves no stamp, though there was one before it."""
    environment.make("run")
    monkeypatch.setattr(environment, "pip", failing("no space left on device"))

    with pytest.raises(environment.CannotMake):
        environment.make("dev")

    assert not project.stamp.exists()


def test_a_failure_shows_the_last_words_of_the_tool() -> None:
    """Pip's own last lines are shown, and no more than fit on a screen."""
    chatter = "for n in range(100): print('line', n)\nraise SystemExit(1)"

    with pytest.raises(environment.CannotMake) as failure:
        environment.run_quietly([sys.executable, "-c", chatter], "pip failed.")

    assert str(failure.value).splitlines()[0] == "pip failed."
    assert "line 99" in str(failure.value)
    assert "line 10\n" not in str(failure.value)


def test_an_old_python_without_a_newer_one_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The refusal says what was found, what is needed, and how to name another."""
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; this is (.|\n)*PYTHON="):
        environment.restart_with_newer_python()


def test_an_old_python_hands_over_to_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest Python that really runs goes on with the same arguments; shims do not count."""
    calls: list[list[str]] = []

    def call(command: list[str], **_: object) -> int:
        calls.append(command)
        return 127 if command[0].endswith("3.13") else 0

    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.setattr(sys, "argv", ["environment.py", "run"])

    with pytest.raises(SystemExit) as left:
        environment.restart_with_newer_python()

    assert left.value.code == 0
    assert calls[-1] == ["/bin/python3.12", "environment.py", "run"]


def failing(words: str) -> Callable[..., None]:
    """A pip that cannot."""

    def pip(*_: str) -> None:
        raise environment.CannotMake(words)

    return pip
