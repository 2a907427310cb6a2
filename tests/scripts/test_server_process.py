import subprocess
import sys
from pathlib import Path

import pytest

from scripts.server_process import end, free_port, last_lines, leash, says
from tests.e2e.processes import eventually

ROOT = Path(__file__).parents[2]
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); "
SLEEP = "time.sleep(60)"


def python(program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)


def test_a_port_is_one_that_no_outgoing_connection_is_given() -> None:
    """A client that calls at a server that is down can never be given that server's port."""
    ports = {free_port() for _ in range(50)}

    assert max(ports) < 32_768  # where the range of Linux begins; others begin higher


def test_a_leash_acts_when_its_holder_is_killed(tmp_path: Path) -> None:
    """The command is run by nobody's hand when the process that holds the leash is gone."""
    mark = tmp_path / "acted"
    program = (
        "import os; from scripts.server_process import leash\n"
        f"with leash('touch', {str(mark)!r}): os.kill(os.getpid(), 9)"
    )

    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)

    eventually(mark.exists, about="what the leash does")


def test_a_leash_that_was_let_go_does_nothing(tmp_path: Path) -> None:
    """A block that is left in order, or by an error, leaves the command undone."""
    mark = tmp_path / "acted"

    with pytest.raises(ZeroDivisionError), leash("touch", str(mark)):
        raise ZeroDivisionError

    assert not mark.exists()


def test_a_word_is_waited_for() -> None:
    """Who listens goes on as soon as the word is said."""
    process = python(f"import time; print('it is up now', flush=True); {SLEEP}")

    assert says(process, b"up", within_s=30)

    end(process)


def test_a_process_that_ends_without_the_word() -> None:
    """Who listens to a process that ends does not wait until the time is up."""
    process = python("print('no such file')")

    assert not says(process, b"up", within_s=30)

    assert end(process) == 0


def test_a_word_that_does_not_come_in_time() -> None:
    """A silent process is killed when the time is up."""
    process = python(f"import time; {SLEEP}")

    assert not says(process, b"up", within_s=0.1)

    assert process.wait() == -9


def test_a_process_that_will_not_end_is_ended() -> None:
    """After the grace nobody is asked any more."""
    process = python(STUBBORN + SLEEP)
    assert says(process, b"up", within_s=30)

    assert end(process, grace_s=0.1) == -9


def test_the_end_of_a_log_is_told(tmp_path: Path) -> None:
    """The last lines of a log, and nothing where there is no log."""
    log = tmp_path / "log"
    log.write_text("one\ntwo\nthree\n")

    assert last_lines(log, 2) == "  two\n  three"
    assert not last_lines(tmp_path / "none", 2)
