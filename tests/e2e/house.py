"""A house that runs: its processes, its services' addresses, and the ways to disturb it."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.e2e.processes import PATIENCE_S, eventually, services_over
from tests.e2e.shopper import Json, Shopper, quiet_client

HELD: Final[Mapping[str, object]] = {"path": "/events", "holdEvents": True}
"""The relay of a feed has stopped: commits go on, the projection sees nothing new."""


@dataclass(frozen=True, slots=True)
class Started:
    """`bff dev` on its way up: the process, its address, its data and what it says."""

    process: subprocess.Popen[bytes]
    address: str
    data_dir: Path
    said_path: Path

    @property
    def said(self) -> str:
        """Everything that gateway and services have written so far."""
        return self.said_path.read_text(errors="replace")

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the gateway, and nobody else, this signal; the exit code when it has ended."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def clear_away(self) -> None:
        """End what is left of it the hard way; touches its own processes only."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        for pid in services_over(self.data_dir):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@dataclass(frozen=True, slots=True)
class House:
    """A running house that has caught up.

    ``urls`` are the services' addresses by name, ``http`` is a client to ask them by.
    """

    started: Started
    urls: Mapping[str, str]
    http: httpx.Client

    @contextmanager
    def shopper(self, session: str | None = None) -> Iterator[Shopper]:
        """A new client that knows nothing yet."""
        with quiet_client(self.started.address) as http:
            yield Shopper(http, session)

    @contextmanager
    def with_faults(self, service: str, *rules: Mapping[str, object]) -> Iterator[None]:
        """The service misbehaves by these rules inside the block, and is well after it."""
        self.put_faults(service, *rules)
        try:
            yield
        finally:
            self.put_faults(service)

    def put_faults(self, service: str, *rules: Mapping[str, object]) -> None:
        """These rules are in force from now on; none: the service is well."""
        faults = f"{self.urls[service]}/admin/faults"
        self.http.put(faults, json={"rules": rules}).raise_for_status()

    def event_counts(self) -> dict[str, int]:
        """How many events each service has published since its beginning."""
        return {service: self._count_events(url) for service, url in self.urls.items()}

    def kill(self, service: str) -> None:
        """End this service's process at once, without a word; returns when it is gone."""
        [pid] = _pids_of(service, self.started.data_dir)
        os.kill(pid, signal.SIGKILL)
        eventually(
            lambda: not _pids_of(service, self.started.data_dir), about=f"the end of {service}"
        )

    def _count_events(self, url: str) -> int:
        page: Json = self.http.get(f"{url}/events", params={"limit": 1}).json()
        return len(page["events"]) + int(page["remaining"])


def _pids_of(service: str, data_dir: Path) -> list[int]:
    return [pid for pid, words in services_over(data_dir).items() if service in words]
