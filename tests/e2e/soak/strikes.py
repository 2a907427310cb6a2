"""What befalls the services in a soak, when, and for how long, by a seed alone. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

Rule = Mapping[str, object]

SERVICES: Final = ("orders", "customers", "products")
SHORTEST_S, LONGEST_S = 0.5, 5.0
CALM_BETWEEN_S: Final = 1.0


def everywhere(_: str, **what: object) -> Rule:
    """Whatever the service is asked, its feed included."""
    return {"path": "/", **what}


def not_found(service: str) -> Rule:
    """Nothing is there; of orders only to who writes, as to deny one to readers would be a lie."""
    methods = ("POST", "PATCH") if service == "orders" else ("GET", "POST", "PATCH")
    return {"path": f"/{service}", "methods": methods, "errorRate": 1, "status": 404}


KINDS: Final[Mapping[str, Callable[[str], Rule]]] = {
    "500": lambda of: everywhere(of, errorRate=1),
    "503 + Retry-After": lambda of: everywhere(of, errorRate=1, status=503, retryAfterS=1),
    "429 + Retry-After": lambda of: everywhere(of, errorRate=1, status=429, retryAfterS=1),
    "404": not_found,
    "refuses": lambda of: everywhere(of, refuse=True),
    "resets after its work": lambda of: everywhere(of, dropAnswer=True),
    "resets in the middle of the body": lambda of: everywhere(of, cutBody=True),
    "hangs": lambda of: everywhere(of, hang=True),
    "slow body": lambda of: everywhere(of, slowBodyMs=3000),
    "malformed": lambda of: everywhere(of, malformed=True),
    "wrong schema": lambda of: everywhere(of, wrongSchema=True),
    "slow": lambda of: everywhere(of, latencyMs={"p50": 50, "p99": 900}),
    "slow tail": lambda of: everywhere(of, rate=0.05, latencyMs={"fixed": 800}),
    "flaps": lambda of: everywhere(of, errorRate=0.4),
    "loses answers to writes": lambda of: {
        **everywhere(of, rate=0.5, dropAnswer=True),
        "methods": ("POST", "PATCH"),
    },
    "feed stands still": lambda _: {"path": "/events", "holdEvents": True},
}


@dataclass(frozen=True, slots=True)
class Strike:
    """After a while (s) some services misbehave alike, for so long (s)."""

    kind: str
    services: Sequence[str]
    after_s: float
    lasts_s: float

    def rule(self, service: str) -> Rule:
        return KINDS[self.kind](service)


def strikes(random: Random) -> Iterator[Strike]:
    """Without end: every kind once before any comes again, each at one service or at two."""
    while True:
        for kind in random.sample(sorted(KINDS), len(KINDS)):
            struck = random.sample(SERVICES, random.choice((1, 1, 2)))
            after_s = random.uniform(0, CALM_BETWEEN_S)
            yield Strike(kind, struck, after_s, random.uniform(SHORTEST_S, LONGEST_S))
