"""The house in its two columns, over the demo data, as measurements need it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import httpx
import msgspec

from benchmarks.kafkas import KafkaHere
from benchmarks.listening_gateway import Notes
from benchmarks.processes import (
    Account,
    MeasurementFailed,
    accounted,
    end_in_order,
    role_running,
    services_running,
)
from benchmarks.runs import Lengths, Run
from benchmarks.wishes import GATEWAY
from gateway.token_key import make_key
from tests.e2e.distributed.roles import NO_SETTINGS, Role, free_address
from tests.e2e.processes import eventually, services_over
from tests.e2e.shopper import quiet_client
from tests.servers.kafka import unique
from tests.servers.valkey import Valkey, running_valkey

Column = Literal["embedded", "distributed"]

TOPICS: Final = ("orders.events", "customers.events", "products.events")
LOAD_GRACE_S: Final = 60.0
START_LIMIT_S: Final = 60.0


@dataclass(slots=True)
class House:
    """A running house that has caught up.

    ``pids``: its gateway and projector, by what they are; ``server_pids``: Kafka and Redis.
    """

    column: Column
    folder: Path
    urls: Mapping[str, str]
    gateway: Role
    pids: Mapping[str, int]
    server_pids: Mapping[str, int]
    notes_path: Path

    @contextmanager
    def loaded(
        self, *, seconds: float, mutations: float, reads: float = 0.0, warm_up_s: float = 0.0
    ) -> Iterator[Account]:
        """Load from another process, beginning with the block; leaving it waits for its end.

        It lasts ``warm_up_s`` longer than ``seconds``, and its account leaves that out.
        """
        urls = json.dumps({**self.urls, GATEWAY: self.gateway.address})
        words = (
            *("benchmarks.load", f"--urls={urls}", f"--seconds={seconds + warm_up_s}"),
            *(f"--mutations={mutations}", f"--reads={reads}", f"--warm-up={warm_up_s}"),
        )
        with accounted(words, self.folder, within_s=seconds + warm_up_s + LOAD_GRACE_S) as account:
            yield account

    def warm_up_s(self, lengths: Lengths) -> float:
        """How long a load is on before it counts."""
        return lengths.warm_up_s if self.column == "embedded" else lengths.kafka_warm_up_s

    def all_pids(self) -> dict[str, int]:
        """Everybody's processes, by name."""
        found = services_over(self.folder / "services").items()
        services = {name: pid for pid, words in found for name in self.urls if name in words}
        return {**self.pids, **self.server_pids, **services}

    def end_gateway(self) -> Notes:
        """End the gateway; what it had noted."""
        end_in_order(self.gateway)
        return msgspec.msgpack.decode(self.notes_path.read_bytes(), type=Notes)


@dataclass(frozen=True, slots=True)
class Servers:
    """What is between services and gateway; nothing in the embedded column."""

    kafka_address: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    pids: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def running_house(
    run: Run,
    column: Column,
    folder: Path,
    *,
    waiters: int = 0,
    takes_notes: bool = True,
    given: Mapping[str, str] = NO_SETTINGS,
) -> Iterator[House]:
    """The house inside the block: services, a gateway, and what is between.

    ``waiters``: so many wait in the gateway for the next versions, at any time. ``takes_notes``:
    the gateway notes what it hears, and so its memory grows. ``given``: more settings.
    """
    port, address = free_address()
    notes_path = folder / "notes.msgpack"
    noting = ("benchmarks.listening_gateway", str(notes_path), f"--waiters={waiters}")
    words = noting if takes_notes else ("gateway", "serve")
    with ExitStack() as stack:
        servers = stack.enter_context(running_servers(run, column, folder))
        urls = stack.enter_context(services_running(folder, servers.kafka_address))
        settings = {
            **servers.settings,
            **{f"BFF_{name.upper()}_URL": url for name, url in urls.items()},
            "BFF_PORT": str(port),
            "BFF_LOG_FORMAT": "json",
            "BFF_ANONYMOUS": "everything",
            "BFF_TOKEN_KEYS": make_key(),
            **given,
        }
        roles: dict[str, Role] = {}
        if column == "distributed":
            roles["projector"] = stack.enter_context(projector_running(folder, settings))
        gateway = stack.enter_context(role_running("gateway", words, folder, settings, address))
        roles["gateway"] = gateway
        eventually(lambda: is_ready(gateway), about="a ready gateway", within_s=START_LIMIT_S)
        pids = {name: role.process.pid for name, role in roles.items()}
        yield House(column, folder, urls, gateway, pids, servers.pids, notes_path)


@contextmanager
def running_servers(run: Run, column: Column, folder: Path) -> Iterator[Servers]:
    """Kafka with its topics, and Redis, where the column has them."""
    if column == "embedded":
        yield Servers()
        return
    kafka = run.kafka()
    with kafka.topics(TOPICS), running_valkey(folder / "valkey") as valkey:
        settings = distributed_settings(kafka.address, valkey)
        yield Servers(kafka.address, settings, server_pids(kafka, valkey))


def server_pids(kafka: KafkaHere, valkey: Valkey) -> dict[str, int]:
    """The processes of the servers that have one here."""
    pids = {} if valkey.process is None else {"redis": valkey.process.pid}
    return pids if kafka.pid is None else {**pids, "kafka": kafka.pid}


def projector_running(
    folder: Path, settings: Mapping[str, str], profile: Path | None = None
) -> AbstractContextManager[Role]:
    """`bff project` inside the block; where it spent its time is written to ``profile``."""
    profiled = () if profile is None else ("cProfile", "-o", str(profile), "-m")
    return role_running("projector", (*profiled, "gateway", "project"), folder, settings)


def distributed_settings(kafka_address: str, valkey: Valkey) -> dict[str, str]:
    """What gateways and projectors are told of the servers."""
    return {
        "BFF_EVENTS": "kafka",
        "BFF_STORE": "redis",
        "BFF_REDIS_URL": valkey.url,
        "BFF_REDIS_PREFIX": "bench",
        "BFF_KAFKA_BOOTSTRAP_SERVERS": kafka_address,
        "BFF_KAFKA_GROUP": unique("bench"),
    }


def is_ready(gateway: Role) -> bool:
    """Whether every source has been read to its end once. Raises `MeasurementFailed`."""
    if not gateway.is_running:
        raise MeasurementFailed(f"the gateway has ended:\n{gateway.said[-3000:]}")
    with quiet_client(gateway.address) as http:
        try:
            return bool(http.get("/readyz").json()["status"] == "ready")
        except httpx.TransportError:  # it does not listen yet
            return False
