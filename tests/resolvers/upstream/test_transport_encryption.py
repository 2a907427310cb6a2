"""The contract of the wire, kept by every client behind it: encrypted services."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from resolvers.upstream.errors import UpstreamUnavailable
from tests.resolvers.upstream.builders import MUTATION
from tests.resolvers.upstream.socket_services import answers, service_that
from tests.resolvers.upstream.wires import MakeTransport, transport_to

pytestmark = pytest.mark.every_loop


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this process trusts, as an operator makes it: by SSL_CERT_FILE."""
    authority = trustme.CA()
    place = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(place)
    monkeypatch.setenv("SSL_CERT_FILE", str(place))
    return authority


def tls_of(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_encrypted_service_with_a_trusted_certificate_is_spoken_to(
    make: MakeTransport, authority: trustme.CA
) -> None:
    """One connection serves many calls here too."""
    async with (
        service_that(answers, tls=tls_of(authority, "127.0.0.1")) as service,
        transport_to(make, service.port, scheme="https") as transport,
    ):
        for _ in range(3):
            answer = await transport.send(MUTATION)

    assert answer.body == b"{}"
    assert service.connection_count == 1


@pytest.mark.parametrize("name", ["elsewhere.test", None], ids=["wrong name", "unknown authority"])
async def test_certificate_that_does_not_stand_for_the_service_is_refused(
    make: MakeTransport, authority: trustme.CA, name: str | None
) -> None:
    """Nothing is sent to whoever cannot show who it is."""
    tls = tls_of(authority, name) if name else tls_of(trustme.CA(), "127.0.0.1")
    async with (
        service_that(answers, tls=tls) as service,
        transport_to(make, service.port, scheme="https") as transport,
    ):
        with pytest.raises(UpstreamUnavailable) as caught:
            await transport.send(MUTATION)

    assert not caught.value.is_outcome_unknown
    assert not service.requests


async def test_service_that_speaks_no_tls_is_not_spoken_to(make: MakeTransport) -> None:
    """A plain service behind an https address has received nothing."""
    async with (
        service_that(answers) as service,
        transport_to(make, service.port, scheme="https") as transport,
    ):
        call = asyncio.ensure_future(transport.send(MUTATION))
        await service.until(lambda: service.connection_count == 1)
        service.close_connections()
        with pytest.raises(UpstreamUnavailable) as caught:
            await call

    assert not caught.value.is_outcome_unknown
