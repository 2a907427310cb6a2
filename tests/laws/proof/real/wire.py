"""The way to the gateways, as a load balancer goes it: who refuses a connection has taken nothing.

A request that was sent and never answered may have been done; the caller is told that there is no
answer, and nobody sends it again for her.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Final

import httpx
import orjson

from tests.e2e.shopper import ANSWER_LIMIT_S, NO_COOKIES
from tests.laws.proof.real.asking import Json

NAMES: Final = "abcdefgh"
ROUND_COUNT: Final = 200
ROUND_PAUSE_S: Final = 0.05
"""Between two rounds of all gateways, none of which takes connections."""


class NobodyThere(AssertionError):
    """No gateway has taken a connection for a long time: the house is not as it should be."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, from which gateway, and between which instants (Unix s).

    ``status`` 0 and an empty ``body``: no answer came.
    """

    gateway: str
    invoked_at_s: float
    returned_at_s: float
    status: int = 0
    body: Json | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """All gateways at their addresses, through one pool of connections."""

    http: httpx.AsyncClient
    addresses: Sequence[str]

    async def post(self, asked: Mapping[str, object], headers: Mapping[str, str], at: int) -> Reply:
        """Send one request, to the gateway of this number or else to the next that is there."""
        content = orjson.dumps(asked)
        for turn in range(ROUND_COUNT * len(self.addresses)):
            number = (at + turn) % len(self.addresses)
            try:
                return await self._post_to(number, content, headers)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == at % len(self.addresses):
                    await asyncio.sleep(ROUND_PAUSE_S)
        raise NobodyThere(f"none of {', '.join(self.addresses)} takes a connection")

    async def _post_to(self, number: int, content: bytes, headers: Mapping[str, str]) -> Reply:
        invoked_at_s = time.time()
        try:
            response = await self.http.post(
                f"{self.addresses[number]}/graphql", content=content, headers=headers
            )
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except httpx.TransportError:
            return Reply(NAMES[number], invoked_at_s, time.time())
        returned_at_s = time.time()
        body: Json = orjson.loads(response.content)
        return Reply(NAMES[number], invoked_at_s, returned_at_s, response.status_code, body)


@asynccontextmanager
async def open_wire(addresses: Sequence[str]) -> AsyncIterator[Wire]:
    """A wire that reads nothing from the environment and keeps no cookies."""
    async with httpx.AsyncClient(
        cookies=CookieJar(policy=NO_COOKIES),
        trust_env=False,
        timeout=ANSWER_LIMIT_S,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        limits=httpx.Limits(max_connections=None),
    ) as http:
        yield Wire(http, addresses)
