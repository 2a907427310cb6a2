"""The door of the compose file before real gateways: HAProxy with its own settings, on loopback.

Of the settings three things are put in place of what Docker gives: the port, the name server and
the gateways' port. Each gateway has an address of its own, as containers have.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, Self

import httpx
import pytest

from gateway.token_key import make_key
from scripts.server_process import LOOPBACK, end, free_port, leash
from tests.deploy.compose_file import ROOT, SERVICES
from tests.e2e.processes import eventually

SETTINGS: Final = ROOT / "deploy" / "haproxy.cfg"
ADDRESSES: Final = tuple(str(IPv4Address(LOOPBACK) + number) for number in (1, 2))
DRAIN: Final = SERVICES["gateway"].environment["BFF_DRAIN_MS"]
A_QUERY: Final = {"query": "{ __typename }"}


def haproxy() -> str:
    """The program; skips the test where there is none, or no second loopback address."""
    found = shutil.which("haproxy")
    if found is None or not sys.platform.startswith("linux"):
        pytest.skip("there is no HAProxy here (on Debian and Ubuntu: apt-get install haproxy)")
    return found


@dataclass
class Gateways:
    """Gateways without a projection and without services, by address."""

    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, address: str) -> None:
        """Start one; returns when it serves."""
        environment = {
            **os.environ,
            "BFF_HOST": address,
            "BFF_PORT": str(self.port),
            "BFF_EVENTS": "none",
            "BFF_ANONYMOUS": "everything",
            "BFF_TOKEN_KEYS": make_key(),
            "BFF_DRAIN_MS": DRAIN,
        }
        command = [sys.executable, "-m", "gateway", "serve"]
        self.processes[address] = subprocess.Popen(command, cwd=ROOT, env=environment)
        eventually(lambda: answers(f"http://{address}:{self.port}"), about=f"gateway {address}")

    def stop(self, address: str) -> int:
        """End one as Docker does, giving it its time; its exit code."""
        return end(self.processes[address])

    def kill(self, address: str) -> None:
        """End one at once."""
        self.processes[address].send_signal(signal.SIGKILL)
        self.processes[address].wait()

    def end_all(self) -> None:
        """End what still runs, at once."""
        for address in self.processes:
            self.kill(address)


@dataclass(frozen=True)
class Door:
    """A door that is open, and the gateways behind it."""

    url: str
    gateways: Gateways


@contextmanager
def open_door(folder: Path) -> Iterator[Door]:
    """The door before two gateways; it is open when both are in its list."""
    program = haproxy()
    gateways, door_port = Gateways(free_port()), free_port()
    with ExitStack() as stack:
        stack.callback(gateways.end_all)
        for address in ADDRESSES:
            gateways.start(address)
        names = stack.enter_context(name_server())
        settings = folder / "haproxy.cfg"
        settings.write_text(put_in_place(door_port, names, gateways.port))
        said = stack.enter_context((folder / "haproxy.log").open("wb"))
        process = subprocess.Popen([program, "-W", "-db", "-f", str(settings)], stderr=said)
        stack.callback(end, process)
        stack.enter_context(leash("kill", str(process.pid)))
        url = f"http://{LOOPBACK}:{door_port}"
        eventually(lambda: answers(url), about="the door")
        yield Door(url, gateways)


def put_in_place(door_port: int, names_port: int, gateway_port: int) -> str:
    """The settings with this machine's ports; each of the three stands in them exactly once."""
    text = SETTINGS.read_text(encoding="utf-8")
    for theirs, ours in (
        ("bind :8000", f"bind {LOOPBACK}:{door_port}"),
        ("parse-resolv-conf", f"nameserver names {LOOPBACK}:{names_port}"),
        ("gateway:8000", f"gateway:{gateway_port}"),
    ):
        text, count = re.subn(rf"{re.escape(theirs)}\b", ours, text)
        assert count == 1, theirs
    return text


@contextmanager
def name_server() -> Iterator[int]:
    """Docker's name server, as far as the door asks it: all gateways have one name; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((LOOPBACK, 0))
        listening.settimeout(0.1)
        is_over = threading.Event()
        thread = threading.Thread(target=tell_names, args=(listening, is_over))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            is_over.set()
            thread.join()


def tell_names(listening: socket.socket, is_over: threading.Event) -> None:
    """Answer every question until it is over."""
    while not is_over.is_set():
        try:
            question, asker = listening.recvfrom(4096)
        except TimeoutError:
            continue
        listening.sendto(answer_to(question), asker)


def answer_to(question: bytes) -> bytes:
    """RFC 1035: to a question for IPv4 addresses those of the gateways, to any other none."""
    ends_at = question.index(0, 12) + 5
    is_ipv4 = question[ends_at - 4 : ends_at - 2] == b"\0\1"
    addresses = ADDRESSES if is_ipv4 else ()
    head = question[:2] + b"\x81\x80\0\1" + len(addresses).to_bytes(2, "big") + bytes(4)
    records = [b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(address) for address in addresses]
    return head + question[12:ends_at] + b"".join(records)


def answers(url: str) -> bool:
    """Whether somebody there is ready."""
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


class Callers:
    """Clients that ask without pause, half of them by GET; `outcomes` counts what they got."""

    def __init__(self, url: str, count: int = 4) -> None:
        self.outcomes: dict[tuple[str, str], int] = {}
        self._url = url
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        methods = ("GET", "POST") * (count // 2)
        self._threads = [threading.Thread(target=self._call, args=(m,)) for m in methods]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def has_asked(self, count: int) -> bool:
        """Whether so many questions have had an outcome."""
        return sum(self.outcomes.values()) >= count

    def ask_on(self, count: int = 200) -> None:
        """Return after so many more questions."""
        before = sum(self.outcomes.values())
        eventually(lambda: self.has_asked(before + count), about=f"{count} more questions")

    def _call(self, method: str) -> None:
        with httpx.Client(base_url=self._url, trust_env=False, timeout=10) as client:
            while not self._is_over.is_set():
                outcome = self._ask(client, method)
                with self._lock:
                    seen = self.outcomes.get((method, outcome), 0)
                    self.outcomes[method, outcome] = seen + 1

    def _ask(self, client: httpx.Client, method: str) -> str:
        try:
            if method == "GET":
                return str(client.get("/graphql", params=A_QUERY).status_code)
            return str(client.post("/graphql", json=A_QUERY).status_code)
        except httpx.HTTPError as error:
            return type(error).__name__
