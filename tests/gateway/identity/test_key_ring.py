import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.beside import running
from gateway.errors import RequestRefused
from gateway.identity.desk import IdentityDesk, Tokens
from gateway.identity.key_ring import KeyRing, KeyRingOptions
from gateway.identity.keys import PUBLIC_ALGORITHMS
from gateway.identity.verifying import Expected
from gateway.request import RequestHeaders
from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.viewer import Viewer
from tests.gateway.identity.bearers import AUDIENCE, ISSUER, key_set, public_jwk, signed_by
from tests.projection_by_hand import wall_clock_s

pytestmark = pytest.mark.steered_time

OPTIONS = KeyRingOptions(refresh_s=300, interval_s=10, wait_s=1.0)
FETCH_S = 0.2


class Issuer:
    """Publishes keys, slowly; out of reach while ``is_down``."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self.is_down = False
        self.takes_s = FETCH_S
        self.news: list[bool] = []
        self.body: bytes | None = None
        self.fetched_at_s: list[float] = []

    async def fetch(self, timeout_s: float) -> bytes:
        assert timeout_s > 0
        self.fetched_at_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes_s)
        if self.is_down:
            raise UpstreamUnavailable("issuer")
        return self.body or key_set(*map(public_jwk, self.kinds))

    @property
    def fetch_count(self) -> int:
        return len(self.fetched_at_s)


@asynccontextmanager
async def at_work(issuer: Issuer, *, is_loaded: bool = True) -> AsyncIterator[IdentityDesk]:
    """A desk that believes this issuer, after its first fetch."""
    ring = KeyRing(issuer.fetch, PUBLIC_ALGORITHMS, OPTIONS, observe=issuer.news.append)
    expected = Expected(issuer=ISSUER, audience=AUDIENCE, algorithms=PUBLIC_ALGORITHMS)
    desk = IdentityDesk("refused", Tokens(ring, expected), wall_clock=wall_clock_s)
    async with running(ring.run()):
        if is_loaded:
            await asyncio.sleep(1)
        yield desk


def headers_of(token: str) -> RequestHeaders:
    return RequestHeaders.of([(b"authorization", b"Bearer " + token.encode())])


async def status_of(desk: IdentityDesk, token: str) -> int:
    """200, or that of the refusal."""
    try:
        viewer = await desk.identify(headers_of(token))
    except RequestRefused as refused:
        return refused.status
    assert isinstance(viewer, Viewer)
    return 200


async def test_a_request_that_comes_before_the_keys_waits_for_them() -> None:
    """The first fetch is on its way when the gateway begins to serve."""
    issuer = Issuer("RS256")

    async with at_work(issuer, is_loaded=False) as desk:
        status = await status_of(desk, signed_by("RS256"))

    assert status == 200
    assert issuer.fetch_count == 1


async def test_a_new_key_is_learned_with_the_first_token_that_names_it() -> None:
    """Rotation: the issuer signs with its new key at once; nobody waits for the next refresh."""
    issuer = Issuer("RS256")

    async with at_work(issuer) as desk:
        await asyncio.sleep(20)
        issuer.kinds = ("RS256", "ES256")
        is_at_once = desk.find(headers_of(signed_by("ES256"))) is not None
        statuses = [await status_of(desk, signed_by(kind)) for kind in ("ES256", "RS256")]

    assert not is_at_once
    assert statuses == [200, 200]
    assert issuer.fetch_count == 2


async def test_a_key_that_is_taken_back_is_forgotten_and_so_are_its_tokens() -> None:
    """By the next refresh, though its token is remembered and has not expired."""
    issuer = Issuer("RS256", "ES256")

    async with at_work(issuer) as desk:
        before = await status_of(desk, signed_by("RS256"))
        issuer.kinds = ("ES256",)
        until_then = await status_of(desk, signed_by("RS256"))
        await asyncio.sleep(OPTIONS.refresh_s + 1)
        statuses = [await status_of(desk, signed_by(kind)) for kind in ("RS256", "ES256")]

    assert (before, until_then) == (200, 200)
    assert statuses == [401, 200]


async def test_keys_outlive_their_issuer_s_outage() -> None:
    """What was known holds: of tokens seen before and of new ones; and the news is told once."""
    issuer = Issuer("RS256")

    async with at_work(issuer) as desk:
        issuer.is_down = True
        await asyncio.sleep(1_000)
        during = await status_of(desk, signed_by("RS256", sub="new"))
        issuer.is_down = False
        await asyncio.sleep(20)
        after = await status_of(desk, signed_by("RS256"))

    assert (during, after) == (200, 200)
    assert issuer.news == [False, True]


async def test_nonsense_from_the_issuer_is_an_outage() -> None:
    """An empty set too: it would turn everybody away."""
    issuer = Issuer("RS256")

    async with at_work(issuer) as desk:
        for body in (b"<html>", b'{"keys": []}'):
            issuer.body = body
            await asyncio.sleep(OPTIONS.refresh_s + 1)
        status = await status_of(desk, signed_by("RS256", sub="new"))

    assert status == 200


async def test_while_no_key_was_ever_known_it_is_not_the_token_s_fault() -> None:
    """503, and when to come back: who is told 401 would throw a good token away."""
    issuer = Issuer("RS256")
    issuer.is_down = True

    async with at_work(issuer) as desk:
        status = await status_of(desk, signed_by("RS256"))

    assert status == 503


async def test_a_flood_of_made_up_keys_is_one_fetch_an_interval() -> None:
    """However many ask for however many keys; all who ask at a time share one fetch."""
    issuer = Issuer("RS256")

    async with at_work(issuer) as desk:
        began = issuer.fetch_count
        for second in range(60):
            async with asyncio.TaskGroup() as group:
                for number in range(20):
                    token = signed_by("ES256", f"made-up-{second}-{number}")
                    group.create_task(status_of(desk, token))
            await asyncio.sleep(1 - FETCH_S if second % 10 == 0 else 1)
    gaps = zip(issuer.fetched_at_s, issuer.fetched_at_s[1:], strict=False)

    assert issuer.fetch_count - began <= 7
    assert all(later - earlier >= OPTIONS.interval_s for earlier, later in gaps)


async def test_who_waits_for_an_issuer_that_hangs_does_not_wait_for_long() -> None:
    """A request has a deadline; the fetch has its own."""
    issuer = Issuer("RS256")

    async with at_work(issuer) as desk:
        await asyncio.sleep(20)
        issuer.takes_s = 600.0
        began_at_s = asyncio.get_running_loop().time()
        status = await status_of(desk, signed_by("ES256"))
        waited_s = asyncio.get_running_loop().time() - began_at_s

    assert status == 401
    assert waited_s <= OPTIONS.wait_s + 0.01


async def test_a_known_token_costs_its_issuer_nothing() -> None:
    """It is looked up, until it expires."""
    issuer = Issuer("RS256")

    async with at_work(issuer) as desk:
        token = headers_of(signed_by("RS256"))
        first = desk.find(token)
        again = [desk.find(token) for _ in range(100)]

    assert all(viewer is first for viewer in again)
    assert issuer.fetch_count == 1
