"""The house as it is run for real: services with relays, Kafka, Redis, projectors, gateways.

The rule: every part is a process of its own, told by settings where the others are; nothing but
Kafka and Redis is shared. Kafka itself is given: the mock of this process, or a real one.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from gateway.token_key import make_key
from tests.e2e.distributed.crowd import Crowd, running_crowd
from tests.e2e.distributed.demo_services import FAULTLESS, services_started, write_demo
from tests.e2e.distributed.roles import NO_SETTINGS, Role, free_address, start_role
from tests.e2e.processes import eventually
from tests.e2e.shopper import SESSION_HEADER, Json, Shopper, quiet_client
from tests.servers.kafka import Kafka, unique
from tests.servers.valkey import Valkey, running_valkey

GATEWAY_COUNT: Final = 2
SESSION_COUNT: Final = 3
CUSTOMER_IDS: Final = tuple(f"c-{number}" for number in range(1, SESSION_COUNT + 1))


@dataclass(slots=True)
class DistributedHouse:
    """A running house. ``services`` are its service processes by name, ``http`` asks them.

    ``projector_count``: how many projectors it has when it is whole. More than one projects all of
    it each, in a group of its own: the mock loses count of a group whose members are killed.
    """

    folder: Path
    kafka: Kafka
    valkey: Valkey
    http: httpx.Client
    services: dict[str, Role]
    settings: Mapping[str, str]
    prefix: str
    projector_count: int = 1
    gateways: list[Role] = field(default_factory=list)
    projectors: list[Role] = field(default_factory=list)
    past: list[Role] = field(default_factory=list)

    @property
    def urls(self) -> dict[str, str]:
        """The addresses of the services."""
        return {name: role.address for name, role in self.services.items()}

    @property
    def addresses(self) -> list[str]:
        """The addresses of the gateways."""
        return [gateway.address for gateway in self.gateways]

    def start_gateway(self, address: str | None = None) -> Role:
        """One more gateway, at an address that was one's before or at a new one; not waited for."""
        port, found = free_address() if address is None else (urlsplit(address).port, address)
        settings = {**self.settings, "BFF_PORT": str(port)}
        words = ("gateway", "serve")
        role = start_role(
            f"gateway-{self._next()}", words, self.folder, settings=settings, address=found
        )
        self.gateways.append(role)
        return role

    def start_projector(self, settings: Mapping[str, str] = NO_SETTINGS) -> Role:
        """One more projector, not waited for."""
        group = {} if self.projector_count == 1 else {"BFF_KAFKA_GROUP": unique(self.prefix)}
        role = start_role(
            f"projector-{self._next()}",
            ("gateway", "project"),
            self.folder,
            settings={**self.settings, **group, **settings},
        )
        self.projectors.append(role)
        return role

    def leave(self, role: Role) -> None:
        """Strike off a process that has ended; what it said is kept."""
        for roles in (self.gateways, self.projectors):
            if role in roles:
                roles.remove(role)
        self.past.append(role)

    def kill(self, role: Role) -> None:
        """End a process at once."""
        role.kill()
        self.leave(role)

    def kill_service(self, name: str) -> None:
        """End a service and its relay at once; its data and its address stay its own."""
        self.services[name].kill()

    def restart_service(self, name: str) -> None:
        """Start a service over the data it left; returns when it does all of its work."""
        started = {name: self.services[name].address}
        self.services |= services_started(self.folder, self.kafka.address, started, self.urls)
        address = self.urls[name]
        eventually(lambda: self._answers(f"{address}/readyz"), about=f"{name} serves again")

    def run_command(self, *words: str) -> Role:
        """Another command of `bff` with the same settings; not waited for."""
        role = start_role(
            f"{words[0]}-{self._next()}", ("gateway", *words), self.folder, settings=self.settings
        )
        self.past.append(role)
        return role

    def shopper(self, gateway: int = 0) -> AbstractContextManager[Shopper]:
        """A new client of one gateway."""
        return shopper_at(self.gateways[gateway].address)

    def crowd(
        self, *, session_count: int = SESSION_COUNT, carries: bool = True
    ) -> AbstractContextManager[Crowd]:
        """Sessions at all gateways, until the block ends."""
        return running_crowd(self.addresses, CUSTOMER_IDS[:session_count], carries=carries)

    @contextmanager
    def relays(self, **faults: float) -> Iterator[None]:
        """The relays of all services misbehave like this inside the block."""
        self._put_relay_faults(faults)
        try:
            yield
        finally:
            self._put_relay_faults(FAULTLESS)

    def readiness(self, gateway: int = 0) -> Json:
        """What a gateway tells of its state."""
        told: Json = self.http.get(f"{self.gateways[gateway].address}/readyz").json()
        return told

    def is_alive(self, address: str) -> bool:
        """Whether a gateway at this address takes requests, whatever it may do with them."""
        return self._answers(f"{address}/livez")

    def wait_until_ready(self) -> None:
        """Return when every gateway knows that every source has been read to its end once."""
        for number in range(len(self.gateways)):
            eventually(lambda: self._is_ready(number), about=f"{self._told(number)} is ready")  # noqa: B023 - looked at in this turn only

    def events(self, name: str) -> list[Json]:
        """The log events of this name, of all gateways and projectors there ever were."""
        roles = (*self.past, *self.gateways, *self.projectors)
        return [event for role in roles for event in role.events(name)]

    def make_whole(self) -> None:
        """Two gateways and all projectors, which have caught up, and no faults."""
        for role in [role for role in (*self.gateways, *self.projectors) if not role.is_running]:
            self.leave(role)
        for name in [name for name, role in self.services.items() if not role.is_running]:
            self.restart_service(name)
        for _ in range(GATEWAY_COUNT - len(self.gateways)):
            self.start_gateway()
        for _ in range(self.projector_count - len(self.projectors)):
            self.start_projector()
        self.wait_until_ready()
        self._put_relay_faults(FAULTLESS)

    def mistakes(self) -> list[str]:
        """What gateways and projectors have said of mistakes of their own."""
        roles = (*self.past, *self.gateways, *self.projectors)
        return [
            f"{role.name}: {line[:1000]}"
            for role in roles
            for line in role.said.splitlines()
            if "Traceback" in line or '"internal_error"' in line
        ]

    def clear_away(self) -> None:
        """End every process that is left."""
        for role in (*self.gateways, *self.projectors, *self.services.values(), *self.past):
            role.kill()

    def _put_relay_faults(self, faults: Mapping[str, float]) -> None:
        for url in self.urls.values():
            self.http.put(f"{url}/admin/relay", json=dict(faults)).raise_for_status()

    def _is_ready(self, gateway: int) -> bool:
        for role in (*self.gateways, *self.projectors):
            assert role.is_running, f"{role.name} has ended:\n{role.said[-3000:]}"
        try:
            return bool(self.readiness(gateway)["status"] == "ready")
        except httpx.TransportError:
            return False

    def _answers(self, url: str) -> bool:
        try:
            return self.http.get(url).is_success
        except httpx.TransportError:
            return False

    def _told(self, gateway: int) -> str:
        return self.gateways[gateway].name

    def _next(self) -> int:
        return len(self.past) + len(self.gateways) + len(self.projectors) + 1


@contextmanager
def shopper_at(address: str) -> Iterator[Shopper]:
    """A client of this gateway."""
    with quiet_client(address) as http:
        yield Shopper(http)


@contextmanager
def running_distributed_house(
    folder: Path,
    kafka: Kafka,
    *,
    settings: Mapping[str, str] = NO_SETTINGS,
    projector_count: int = 1,
) -> Iterator[DistributedHouse]:
    """A house that has caught up; nothing of it is left afterwards.

    Its topics are there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_demo(folder)
    with running_valkey(folder / "valkey") as valkey, quiet_client() as http:
        urls = {service: free_address()[1] for service in ("customers", "products", "orders")}
        services = services_started(folder, kafka.address, urls, urls)
        prefix = unique("house")
        house = DistributedHouse(
            folder,
            kafka,
            valkey,
            http,
            services,
            house_settings(kafka, valkey, urls, prefix),
            prefix,
            projector_count,
        )
        house.settings = {**house.settings, **settings}
        try:
            house.make_whole()
            yield house
        finally:
            house.clear_away()


def house_settings(
    kafka: Kafka, valkey: Valkey, urls: Mapping[str, str], prefix: str
) -> dict[str, str]:
    """What every gateway and projector is told."""
    return {
        **{f"BFF_{service.upper()}_URL": url for service, url in urls.items()},
        "BFF_EVENTS": "kafka",
        "BFF_STORE": "redis",
        "BFF_REDIS_URL": valkey.url,
        "BFF_REDIS_PREFIX": prefix,
        "BFF_KAFKA_BOOTSTRAP_SERVERS": kafka.address,
        "BFF_KAFKA_GROUP": prefix,
        "BFF_ANONYMOUS": "everything",
        "BFF_TOKEN_KEYS": make_key(),
        "BFF_SUBJECT_HEADER": SESSION_HEADER,
        "BFF_LOG_FORMAT": "json",
        # A dozen processes on two cores: what is tried here is not when they turn somebody away,
        # nor how soon a service is late that only got no turn of the processor.
        "BFF_QUEUE_TIME_MS": "5000",
        "BFF_ATTEMPT_TIMEOUT_S": "4",
        "BFF_REQUEST_TIMEOUT_S": "5",
    }
