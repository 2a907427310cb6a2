"""Starts that cannot be: one clear message, exit code 2, and nothing left running."""

import signal
import socket
from pathlib import Path

import pytest

from tests.e2e.house import Started
from tests.e2e.processes import PATIENCE_S, eventually, services_over
from tests.e2e.starting import dev_started, free_port

pytestmark = pytest.mark.e2e


def ended(started: Started) -> int:
    """The exit code, when it has ended by itself."""
    return started.process.wait(PATIENCE_S)


def test_taken_port_is_told_before_anything_is_started(tmp_path: Path) -> None:
    """The message names the address and the way out; no service has run, no data been made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with dev_started(tmp_path, port=port, settings={}) as started:
            exit_code = ended(started)

    assert exit_code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in started.said
    assert "BFF_PORT" in started.said
    assert "Traceback" not in started.said
    assert services_over(started.data_dir) == {}
    assert not started.data_dir.exists()


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("BFF_REQUEST_TIMEOUT", "2", "did you mean BFF_REQUEST_TIMEOUT_S?"),
        ("BFF_EVENTS", "pigeons", "'feed', 'kafka' or 'none'"),
    ],
)
def test_setting_that_cannot_be_is_told(
    tmp_path: Path, setting: str, value: str, told: str
) -> None:
    """An unknown name is answered with the nearest right one, a bad value with what is wrong."""
    with dev_started(tmp_path, port=free_port(), settings={setting: value}) as started:
        exit_code = ended(started)

    assert exit_code == 2
    assert setting in started.said
    assert told in started.said
    assert "Traceback" not in started.said


def wait_for_services(started: Started) -> None:
    """Return once services have begun, long before the first answer."""
    eventually(lambda: len(services_over(started.data_dir)) > 1, about="services that begin")


def test_house_that_is_stopped_while_it_starts_leaves_nobody(tmp_path: Path) -> None:
    """Ctrl-C before the first answer waits for the end of the services that have begun, too."""
    with dev_started(tmp_path, port=free_port(), settings={}) as started:
        wait_for_services(started)
        started.end(signal.SIGINT)
        left = services_over(started.data_dir)

    assert left == {}
    assert "Traceback" not in started.said


def test_services_of_a_killed_gateway_end_by_themselves(tmp_path: Path) -> None:
    """A gateway that had no time for its services leaves them nothing to serve, so they end."""
    with dev_started(tmp_path, port=free_port(), settings={}) as started:
        wait_for_services(started)
        started.end(signal.SIGKILL)
        eventually(lambda: not services_over(started.data_dir), about="the end of the services")

    assert "Traceback" not in started.said
