"""Which HTTP client is on the wire, by the settings."""

from collections.abc import Mapping

import httpx
import pytest

from gateway.sections.services import ServiceSettings
from resolvers.upstream.aiohttp_transport import AiohttpTransport
from resolvers.upstream.http1_transport import Http1Transport
from resolvers.upstream.http_clients import transport_to
from resolvers.upstream.httpx_transport import HttpxTransport

URL = "http://orders.test"

CHOICES: Mapping[str, type] = {
    "http1": Http1Transport,
    "aiohttp": AiohttpTransport,
    "httpx": HttpxTransport,
}


@pytest.mark.parametrize("name", CHOICES)
async def test_operator_chooses_the_client(name: str) -> None:
    """What `BFF_HTTP_CLIENT` names is what calls go over."""
    options = ServiceSettings.model_validate({"http_client": name}).upstream_options(URL)

    assert type(transport_to("orders", options)) is CHOICES[name]


async def test_the_fastest_is_the_default() -> None:
    """Unless anybody chooses, it is the one that costs least."""
    options = ServiceSettings.model_validate({}).upstream_options(URL)

    assert type(transport_to("orders", options)) is Http1Transport


async def test_network_of_a_test_is_that_of_httpx() -> None:
    """Whoever replaces the network replaces httpx', whatever is chosen."""
    options = ServiceSettings.model_validate({}).upstream_options(URL)
    network = httpx.MockTransport(lambda _: httpx.Response(200))

    assert type(transport_to("orders", options, innermost=network)) is HttpxTransport
