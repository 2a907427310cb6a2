"""Two gateways over one Redis store, and a projector over the feeds of the services."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.houses import START_LIMIT_S, is_ready, projector_running
from benchmarks.processes import role_running, services_running
from gateway.token_key import make_key
from tests.e2e.distributed.roles import Role, free_address
from tests.e2e.processes import eventually
from tests.servers.valkey import running_valkey


@dataclass(frozen=True, slots=True)
class TwoGateways:
    """The running house: its gateways, and where orders are changed."""

    gateways: tuple[Role, Role]
    orders_url: str


@contextmanager
def two_gateways(folder: Path) -> Iterator[TwoGateways]:
    """The house inside the block, caught up."""
    with ExitStack() as stack:
        valkey = stack.enter_context(running_valkey(folder / "valkey"))
        urls = stack.enter_context(services_running(folder, None))
        settings = {
            "BFF_STORE": "redis",
            "BFF_REDIS_URL": valkey.url,
            **{f"BFF_{name.upper()}_URL": url for name, url in urls.items()},
            "BFF_LOG_FORMAT": "json",
            "BFF_TOKEN_KEYS": make_key(),
            "BFF_ANONYMOUS": "everything",
        }
        stack.enter_context(projector_running(folder, settings))
        gateways = []
        for name in ("one", "other"):
            port, address = free_address()
            own = {**settings, "BFF_PORT": str(port)}
            words = ("gateway", "serve")
            gateways.append(stack.enter_context(role_running(name, words, folder, own, address)))
        for gateway in gateways:
            ready = gateway

            def serves(role: Role = ready) -> bool:
                return is_ready(role)

            eventually(serves, about="a ready gateway", within_s=START_LIMIT_S)
        yield TwoGateways((gateways[0], gateways[1]), urls["orders"])
