"""Who asks, as the settings have it told: the identity desk, and who keeps its keys current."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from gateway.beside import running
from gateway.identity.desk import IdentityDesk, Tokens
from gateway.identity.key_ring import FixedKeys, KeyRing, Keys
from gateway.identity.keys import shared_key
from gateway.identity.verifying import Expected
from gateway.settings import Settings


class KeySource(Protocol):
    """The wire to published keys: a `resolvers.upstream.key_set_http.KeySetHttp`."""

    async def fetch(self, timeout_s: float) -> bytes:
        """The set of them. Raises `UpstreamError`."""
        ...

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """A desk, and where its keys come from; ``ring`` is None where they never change."""

    desk: IdentityDesk
    ring: KeyRing | None = None
    source: KeySource | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep the keys current while the context is open."""
        if self.ring is None or self.source is None:
            yield
            return
        try:
            async with running(self.ring.run()):
                yield
        finally:
            await self.source.aclose()


def make_identity(
    settings: Settings,
    *,
    key_source: Callable[[str], KeySource],
    wall_clock: Callable[[], float],
    observe: Callable[[bool], None],
) -> Identity:
    """``observe`` is told when keys can be fetched again, or not any more."""
    secret, url = settings.read_jwt_secret(), settings.jwt_keys_url
    ring: KeyRing | None = None
    source: KeySource | None = None
    keys: Keys | None = None
    if secret is not None:
        keys = FixedKeys(shared_key(secret))
    elif url is not None:
        source = key_source(str(url))
        options = settings.key_ring_options()
        keys = ring = KeyRing(source.fetch, settings.algorithms, options, observe=observe)
    desk = IdentityDesk(
        settings.anonymous,
        None if keys is None else Tokens(keys, _expected(settings)),
        subject_header=settings.subject_header,
        wall_clock=wall_clock,
    )
    return Identity(desk, ring, source)


def _expected(settings: Settings) -> Expected:
    return Expected(
        issuer=settings.jwt_issuer or "",
        audience=settings.jwt_audience or "",
        algorithms=settings.algorithms,
        names=settings.claim_names,
        leeway_s=settings.jwt_leeway_s,
    )
