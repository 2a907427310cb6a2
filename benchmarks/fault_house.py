"""Services that fail on demand, and a gateway that asks them for everything it shows."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.houses import START_LIMIT_S, is_ready
from benchmarks.processes import (
    Account,
    Json,
    MeasurementFailed,
    accounted,
    end_in_order,
    role_running,
)
from benchmarks.runs import Run
from gateway.token_key import make_key
from tests.e2e.distributed.roles import NO_SETTINGS, Role, free_address
from tests.e2e.processes import eventually
from tests.e2e.shopper import quiet_client

SERVICES: Final = ("orders", "customers", "products")
PAGE: Final = '{ order(id: "o-1") { note customer { name } items { product { name } } } }'
MEND_LIMIT_S: Final = 120.0
LOOK_EVERY_S: Final = 0.02
READ_GRACE_S: Final = 60.0

CONNECTIONS_DROP: Final[Json] = {"path": "/", "refuse": True}
ANSWERS_500: Final[Json] = {"path": "/", "errorRate": 1.0}
HANGS: Final[Json] = {"path": "/", "hang": True}

NOTHING_STANDS_IN: Final = {"BFF_STALE_IF_ERROR_S": "0", "BFF_LIVE_REVALIDATE_MS": "0"}
"""So that each read that was refused is seen to be."""


@dataclass(frozen=True, slots=True)
class FaultHouse:
    """A gateway before services that count who calls them."""

    folder: Path
    gateway: Role
    services: Role
    urls: Mapping[str, str]
    calls_path: Path

    def strike(self, *names: str, rule: Json) -> None:
        """Put a fault rule in force in these services, instead of what there was."""
        for name in names:
            with quiet_client(self.urls[name]) as http:
                http.put("/admin/faults", json={"rules": [rule]}).raise_for_status()

    def end_faults(self) -> None:
        """No faults any more."""
        for url in self.urls.values():
            with quiet_client(url) as http:
                http.delete("/admin/faults").raise_for_status()

    def mend(self) -> None:
        """No faults any more; returns when a page is whole again."""
        self.end_faults()
        ends_at_s = time.monotonic() + MEND_LIMIT_S
        while errors := self._errors():
            if time.monotonic() > ends_at_s:
                raise MeasurementFailed(f"not whole again: {errors[0]}")
            time.sleep(LOOK_EVERY_S)

    @contextmanager
    def reading(
        self,
        run: Run,
        query: str,
        *,
        rate: float,
        seconds: float,
        request_id: str = "reads",
        count: int | None = None,
    ) -> Iterator[Account]:
        """Reads at a steady pace from another process; leaving the block waits for their end."""
        words = (
            *("benchmarks.fault_reader", f"--gateway={self.gateway.address}", f"--query={query}"),
            *(f"--request-id={request_id}", f"--rate={rate}", f"--seconds={seconds}"),
            *(() if count is None else (f"--count={count}",)),
        )
        with (
            run.watched(self.folder.name, seconds),
            accounted(words, self.folder, within_s=seconds + READ_GRACE_S) as account,
        ):
            yield account

    def calls(self) -> Mapping[str, int]:
        """End the services; how many calls each request id has caused."""
        end_in_order(self.services)
        calls: dict[str, int] = json.loads(self.calls_path.read_text())
        return calls

    def calls_of(self, request_id: str) -> Mapping[int, int]:
        """The same, of the reads that were given this id: by their number."""
        ids = ((id_.rpartition("-"), count) for id_, count in self.calls().items())
        return {int(number): count for (name, _, number), count in ids if name == request_id}

    def _errors(self) -> list[Json]:
        with quiet_client(self.gateway.address) as http:
            errors: list[Json] = (
                http.post("/graphql", json={"query": PAGE}).json().get("errors", [])
            )
        return errors


@contextmanager
def running_house(
    run: Run,
    name: str,
    settings: Mapping[str, str] = NO_SETTINGS,
    *,
    without: Sequence[str] = (),
) -> Iterator[FaultHouse]:
    """The house inside the block; ``settings`` are those of the gateway that matter.

    It has no projection, unless they name a source of events. ``without``: the protections that
    its gateway does not have.
    """
    folder = run.room(name)
    calls_path = folder / "calls.json"
    ports = {service: free_address() for service in SERVICES}
    urls = {service: url for service, (_, url) in ports.items()}
    port, address = free_address()
    gateway_settings = {
        **{f"BFF_{service.upper()}_URL": url for service, url in urls.items()},
        "BFF_PORT": str(port),
        "BFF_EVENTS": "none",
        "BFF_LOG_FORMAT": "json",
        "BFF_ANONYMOUS": "everything",
        "BFF_TOKEN_KEYS": make_key(),
        **settings,
    }
    serving = ("benchmarks.counted_services", str(folder / "services"), f"--out={calls_path}")
    given = (f"--{service}-port={port}" for service, (port, _) in ports.items())
    with ExitStack() as stack:
        services = stack.enter_context(role_running("services", (*serving, *given), folder))
        unguarded = ("benchmarks.unguarded_gateway", *without)
        words = unguarded if without else ("gateway", "serve")
        gateway = stack.enter_context(
            role_running("gateway", words, folder, gateway_settings, address)
        )
        eventually(lambda: is_ready(gateway), about="a ready gateway", within_s=START_LIMIT_S)
        house = FaultHouse(folder, gateway, services, urls, calls_path)
        house.mend()
        yield house
