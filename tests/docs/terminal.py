"""A shell for the pages' examples: curl against the whole house, in this process.

The gateway, the three stubs and the feeds between them are the real ones, with the full demo data;
only the network is left out, and time is steered. It knows the few commands that the pages use.
"""

import asyncio
import re
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from gateway.app import Wires, create_app
from gateway.settings import Settings
from projections.token_codec import TokenKeys
from resolvers.upstream.call import Upstream
from resolvers.upstream.feed_http import FeedHttp
from tests.upstream_stubs.in_process import InProcessTransport, Shop, client_of, open_shop
from upstream_stubs.seed import FULL_DEMO

TOKEN_HEADER = "X-Consistency-Token"
SUBSTITUTED_HEADER = "\"$(grep -i consistency /tmp/bff-headers | tr -d '\\r')\""
"""How the pages send the token of the last answer whose headers were kept."""

_REPEATED = re.compile(r"for i in \$\(seq (\d+)\); do (.*) > /dev/null & done; wait")
_SLEEP = re.compile(r"sleep (\d+)")

FIRST_SECOND_S = 1_800_000_000.0
"""The wall clock (epoch s) when the loop's clock is at zero."""


@dataclass(slots=True)
class Terminal:
    """``hosts`` are the clients by address; ``kept_token`` is of the last kept headers."""

    hosts: dict[str, httpx.AsyncClient]
    kept_token: str = ""

    async def run(self, script: str) -> Any:
        """Run the lines; the JSON of the last answer, None where it had none."""
        answer: Any = None
        for line in commands(script):
            if pause := _SLEEP.fullmatch(line):
                await asyncio.sleep(int(pause[1]))
            elif repeated := _REPEATED.fullmatch(line):
                await self._repeat(repeated[2], int(repeated[1]))
            elif line.startswith("curl "):
                answer = await self._curl(line)
        return answer

    async def _repeat(self, line: str, count: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._curl(line))

    async def _curl(self, line: str) -> Any:
        request = parse_curl(
            line.replace(SUBSTITUTED_HEADER, f"'{TOKEN_HEADER}:{self.kept_token}'")
        )
        host, slash, path = request.url.partition("/")
        response = await self.hosts[host].request(
            request.method, slash + path, headers=request.headers, content=request.body
        )
        if request.keeps_headers:
            self.kept_token = response.headers[TOKEN_HEADER]
        return response.json() if response.content else None


@dataclass(slots=True)
class CurlRequest:
    """What one line of curl asks for."""

    url: str = ""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    keeps_headers: bool = False


def parse_curl(line: str) -> CurlRequest:
    """The request of a line; an option that the pages do not use is an error."""
    words = iter(shlex.split(line)[1:])
    request = CurlRequest()
    for word in words:
        match word:
            case "-s":
                pass
            case "-X":
                request.method = next(words)
            case "-H":
                name, _, value = next(words).partition(":")
                request.headers[name] = value.strip()
            case "-d":
                request.body = next(words)
                request.method = "POST" if request.method == "GET" else request.method
            case "-D":
                request.keeps_headers = next(words) == "/tmp/bff-headers"
            case _ if not word.startswith("-"):
                request.url = word
            case _:
                raise AssertionError(f"the terminal does not know {word}")
    return request


def commands(script: str) -> Iterator[str]:
    """The lines of a script without comments; one that ends in a backslash goes on in the next."""
    for line in script.replace("\\\n", " ").splitlines():
        if stripped := re.sub(r"\s+#.*$", "", " ".join(line.split())):
            yield stripped


@asynccontextmanager
async def open_terminal(data_dir: Path) -> AsyncIterator[Terminal]:
    """A shell before a house that has caught up, at the addresses of `make run`."""
    async with open_shop(data_dir, FULL_DEMO, now=_now) as shop:
        app = create_app(
            Settings(anonymous="everything"), TokenKeys.ephemeral(), wires=_wires_to(shop)
        )
        async with app.router.lifespan_context(app):
            async for _ in app.state.gateway.catch_up.follow():
                pass
            network = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=network, base_url="http://bff.test") as gateway:
                yield Terminal(
                    {
                        "localhost:8000": gateway,
                        "localhost:8001": client_of(shop.orders),
                        "localhost:8002": client_of(shop.customers),
                        "localhost:8003": client_of(shop.products),
                    }
                )


def matches(shown: object, answered: object) -> bool:
    """Is what a page shows a part of the answer? Lists are shown whole, except components.

    Values that differ from run to run (ids, tokens, ages) only have to be there.
    """
    match shown, answered:
        case dict(), dict():
            return all(
                key in answered
                and (key in VARYING or key == "components" or matches(shown[key], answered[key]))
                for key in shown
            ) and _components_match(shown, answered)
        case list(), list():
            return len(shown) == len(answered) and all(map(matches, shown, answered))
        case str(), str() if shown in WHEN_REACHED:
            return answered in WHEN_REACHED
        case _:
            return shown == answered or _is_new_id(shown, answered)


WHEN_REACHED = {"DEFAULT", "TOKEN_REACHED", "TOKEN_REACHED_AFTER_WAIT"}
"""Which it is depends on whether the event came before the answer to the write, or the read."""

VARYING = {"token", "consistencyToken", "ageMs", "lagMs", "retryAfterMs"}


def _components_match(shown: dict[str, Any], answered: dict[str, Any]) -> bool:
    pairs = shown.get("components", []), answered.get("components", [])
    return all(any(matches(one, other) for other in pairs[1]) for one in pairs[0])


def _is_new_id(shown: object, answered: object) -> bool:
    ids = re.compile(r"o-[0-9a-z]{16}")
    return all(isinstance(text, str) and ids.fullmatch(text) for text in (shown, answered))


def _wires_to(shop: Shop) -> Wires:
    def network(service: str) -> InProcessTransport:
        stubs = {"orders": shop.orders, "customers": shop.customers, "products": shop.products}
        return InProcessTransport(stubs[service].app)

    return Wires(
        upstream=lambda service, options, to: Upstream.over_http(
            service, options, innermost=network(service), observe=to.circuit
        ),
        feed=lambda service, url: FeedHttp(service, url, innermost=network(service)),
        wall_clock=_now_s,
    )


def _now_s() -> float:
    return FIRST_SECOND_S + asyncio.get_running_loop().time()


def _now() -> datetime:
    """What the services' own clocks say: they go like ours."""
    return datetime.fromtimestamp(_now_s(), UTC)
