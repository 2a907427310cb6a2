"""What is measured on: the ready services, a Redis with its projector, and one server at a time."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import httpx
import orjson

from benchmarks.houses import is_ready, projector_running
from benchmarks.processes import MeasurementFailed, role_running
from benchmarks.projected import Gauge
from benchmarks.speed.world import LIST_LENGTH, World
from gateway.token_key import make_key
from scripts.server_process import LOOPBACK, free_port, leash
from tests.e2e.distributed.roles import NO_SETTINGS, Role, free_address
from tests.e2e.processes import NeverHappened, eventually
from tests.e2e.shopper import quiet_client
from tests.e2e.starting import REPOSITORY
from tests.servers.valkey import running_valkey

SERVICES: Final = ("orders", "customers", "products")
DESK: Final = "desk"
START_LIMIT_S: Final = 60.0
FILL_LIMIT_S: Final = 600.0
REDIS_PREFIX: Final = "bench"

FEED_WAIT_S: Final = 0.3
"""How long a poll is held. A proof of a quiet feed is up to twice as old, and rows at hand are
shown with positions of a second ago: with the longest polls both together may spend the budget."""

Calls = Mapping[str, int]
"""How often each service was called."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that is ready."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Services:
    """The ready services."""

    urls: Mapping[str, str]
    desk_url: str

    def as_word(self) -> str:
        """The addresses, as an argument of a command."""
        return f"--urls={json.dumps(dict(self.urls))}"

    def calls(self) -> Calls:
        """So far."""
        counts = self._ask("counts")
        return {name: sum(counts[name].values()) for name in SERVICES}

    def strike(self, fault: str) -> None:
        """Strike the product service; with ``none`` it is well again."""
        self._ask(f"faults/{fault}")

    def _ask(self, path: str) -> Mapping[str, Mapping[str, int]]:
        with quiet_client(self.desk_url) as http:
            told: Mapping[str, Mapping[str, int]] = orjson.loads(http.get(f"/{path}").content)
        return told


@dataclass(slots=True)
class Grounds:
    """Where servers are started. ``answer_bytes``: of the body that the raw limit has to send."""

    folder: Path
    services: Services
    answer_bytes: int = 1_024
    _numbers: list[int] = field(default_factory=list)

    def room(self) -> Path:
        """A folder for one server."""
        self._numbers.append(0)
        room = self.folder / f"server-{len(self._numbers)}"
        room.mkdir(parents=True)
        return room

    @contextmanager
    def gateway(
        self,
        settings: Mapping[str, str] = NO_SETTINGS,
        words: Sequence[str] = ("gateway", "serve"),
    ) -> Iterator[Serving]:
        """`bff serve` with everything on that is on by itself, ready."""
        port, address = free_address()
        given = {
            **{f"BFF_{name.upper()}_URL": url for name, url in self.services.urls.items()},
            "BFF_PORT": str(port),
            "BFF_LOG_FORMAT": "json",
            "BFF_ANONYMOUS": "everything",
            "BFF_TOKEN_KEYS": make_key(),
            **settings,
        }
        with ending("gateway", words, self.room(), address, given) as role:
            wait_for_gateway(role)
            yield Serving(address, role.process.pid)

    @contextmanager
    def python(self, name: str, *words: str) -> Iterator[Serving]:
        """`python -m …` that serves GraphQL at the port it is given, ready."""
        port, address = free_address()
        with ending(name, (*words, f"--port={port}"), self.room(), address) as role:
            eventually(lambda: answers(role), about=f"a ready {name}", within_s=START_LIMIT_S)
            yield Serving(address, role.process.pid)

    @contextmanager
    def node(self, name: str, script: Path, modules: Path) -> Iterator[Serving]:
        """`node SCRIPT`, ready; it is told where to listen, and the services' addresses."""
        node = shutil.which("node")
        if node is None:
            raise MeasurementFailed("node not found")
        port, address = free_address()
        folder = self.room()
        settings = {
            "NODE_PATH": str(modules),
            "NODE_ENV": "production",
            "PORT": str(port),
            "URLS": json.dumps(self.services.urls),
        }
        with (folder / f"{name}.log").open("wb") as said, ExitStack() as stack:
            process = subprocess.Popen(
                (node, str(script)),
                cwd=REPOSITORY,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
            stack.enter_context(leash("kill", "-9", str(process.pid)))
            stack.callback(process.wait)
            stack.callback(process.kill)
            role = Role(name, process, folder / f"{name}.log", address)
            eventually(lambda: answers(role), about=f"a ready {name}", within_s=START_LIMIT_S)
            yield Serving(address, process.pid)


@contextmanager
def ending(
    name: str,
    words: Sequence[str],
    folder: Path,
    address: str = "",
    settings: Mapping[str, str] = NO_SETTINGS,
) -> Iterator[Role]:
    """`python -m …` inside the block; killed at its end: how it ends is not what is measured."""
    with ExitStack() as stack:
        role = stack.enter_context(role_running(name, words, folder, settings, address))
        stack.callback(role.kill)
        yield role


def wait_for_gateway(role: Role) -> None:
    """Return when it is ready. Raises `MeasurementFailed` with what it says instead."""
    try:
        eventually(lambda: is_ready(role), about="a ready gateway", within_s=START_LIMIT_S)
    except NeverHappened:
        with quiet_client(role.address) as http:
            told = http.get("/readyz").text
        raise MeasurementFailed(f"a gateway is not ready: {told}\n{role.said[-1000:]}") from None


def answers(role: Role) -> bool:
    """Whether it answers the smallest query. Raises `MeasurementFailed` when it has ended."""
    if not role.is_running:
        raise MeasurementFailed(f"{role.name} has ended:\n{role.said[-3000:]}")
    with quiet_client(role.address) as http:
        try:
            return http.post("/graphql", json={"query": "{ __typename }"}).is_success
        except httpx.TransportError:  # it does not listen yet
            return False


@contextmanager
def ready_services(folder: Path, world: World) -> Iterator[Services]:
    """The three services over this world, inside the block."""
    folder.mkdir(parents=True)
    ports = {name: free_port() for name in (*SERVICES, DESK)}
    urls = {name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
    words = (
        "benchmarks.speed.ready_services",
        f"--ports={json.dumps(ports)}",
        f"--world={json.dumps(asdict(world))}",
    )
    services = Services({name: urls[name] for name in SERVICES}, urls[DESK])
    with ending("services", words, folder) as role:
        eventually(lambda: is_open(role, services), about="the services", within_s=START_LIMIT_S)
        yield services


def is_open(role: Role, services: Services) -> bool:
    """Whether the services tell their counts. Raises `MeasurementFailed` when they have ended."""
    if not role.is_running:
        raise MeasurementFailed(f"the services have ended:\n{role.said[-3000:]}")
    try:
        return bool(services.calls())
    except httpx.TransportError:
        return False


@contextmanager
def open_grounds(folder: Path, world: World) -> Iterator[Grounds]:
    """The grounds over this world, with nothing but services on them yet."""
    with ready_services(folder / "services", world) as services:
        yield Grounds(folder, services)


def event_count(world: World) -> int:
    """How many events the feeds of such a world have."""
    listed_count = world.list_count * (LIST_LENGTH + 1)
    kept_count = world.order_count + world.customer_count + world.product_count
    return kept_count + listed_count + world.filler_count


@contextmanager
def filled_redis(grounds: Grounds, world: World) -> Iterator[Mapping[str, str]]:
    """A Redis that holds all of the world, kept current by `bff project`; a gateway's settings."""
    folder = grounds.room()
    with running_valkey(folder / "valkey") as valkey:
        settings = {
            "BFF_STORE": "redis",
            "BFF_REDIS_URL": valkey.url,
            "BFF_REDIS_PREFIX": REDIS_PREFIX,
            **{f"BFF_{name.upper()}_URL": url for name, url in grounds.services.urls.items()},
            "BFF_LOG_FORMAT": "json",
            "BFF_FEED_WAIT_S": str(FEED_WAIT_S),
        }
        with projector_running(folder, settings):
            wanted_count = event_count(world)
            with Gauge(valkey.url, REDIS_PREFIX) as gauge:
                eventually(
                    lambda: gauge.applied_count() >= wanted_count,
                    about=f"{wanted_count:,} rows in Redis",
                    within_s=FILL_LIMIT_S,
                )
            yield settings
