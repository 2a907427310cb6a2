"""The house as a newcomer starts it: `python -m gateway dev`, in processes of its own.

The rule: what was started here is ended here, and nothing else is touched. Houses may start beside
each other: services move from a taken port by themselves, and a gateway that finds its port taken
is started once more on another one.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.e2e.house import House, Started
from tests.e2e.processes import eventually
from tests.e2e.shopper import quiet_client

REPOSITORY: Final = Path(__file__).parents[2]
SERVICE_LINE: Final = re.compile(r"^(orders|customers|products) +(http://\S+?)/?$", re.MULTILINE)
LAST_LINE: Final = "Ctrl-C stops everything"
ATTEMPT_COUNT: Final = 5
NO_SETTINGS: Final[Mapping[str, str]] = {}


class EndedEarly(Exception):
    """The house ended before it could be used; the text is what it said."""


def free_port() -> int:
    """A port that nobody listens on; somebody may be quicker than the caller."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def dev_environment(data_dir: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Our environment, with these settings and no others of the gateway."""
    inherited = {name: value for name, value in os.environ.items() if name[:4] != "BFF_"}
    return {**inherited, "BFF_DATA_DIR": str(data_dir), **settings}


@contextmanager
def dev_started(folder: Path, *, port: int, settings: Mapping[str, str]) -> Iterator[Started]:
    """`bff dev` with its data in this folder, not waited for; nothing of it is left afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    data_dir, said_path = folder / "data", folder / "said.log"
    with said_path.open("wb") as said:
        process = subprocess.Popen(
            (sys.executable, "-m", "gateway", "dev"),
            cwd=REPOSITORY,
            env=dev_environment(data_dir, {**settings, "BFF_PORT": str(port)}),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    started = Started(process, f"http://127.0.0.1:{port}", data_dir, said_path)
    try:
        yield started
    finally:
        started.clear_away()


@contextmanager
def running_house(folder: Path, settings: Mapping[str, str] = NO_SETTINGS) -> Iterator[House]:
    """A house that has caught up; killed afterwards, as how houses end has tests of its own."""
    for attempts_left in reversed(range(ATTEMPT_COUNT)):
        with dev_started(folder, port=free_port(), settings=settings) as started:
            try:
                urls = _welcomed(started)
            except EndedEarly as ended:
                if attempts_left and "cannot listen" in str(ended):
                    continue
                raise
            with quiet_client() as http:
                yield House(started, urls, http)
            return


def _welcomed(started: Started) -> Mapping[str, str]:
    """The services' addresses, once every feed has been read to its end."""
    with quiet_client(started.address) as http:
        eventually(lambda: _is_ready(started, http), about=f"a ready house at {started.address}")
    eventually(lambda: LAST_LINE in started.said, about="the end of the welcome")
    return dict(SERVICE_LINE.findall(started.said))


def _is_ready(started: Started, http: httpx.Client) -> bool:
    if started.process.poll() is not None:
        raise EndedEarly(started.said)
    try:
        # A connection that comes early waits in the socket until the gateway serves.
        return http.get("/readyz").is_success
    except httpx.TransportError:
        return False
