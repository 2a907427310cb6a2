"""What httpx does on real sockets unless it is kept from it."""

import pytest

from tests.resolvers.upstream.socket_services import answers, service_that
from tests.resolvers.upstream.test_transport_connections import leave_at_every_turn
from tests.resolvers.upstream.wires import WIRES, transport_to


async def test_control_httpx_alone_loses_connections_of_calls_that_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: its pool takes some for taken for ever, and then nobody is served any more."""

    async def leave_it(self: object, exchange: object) -> None:
        del self, exchange

    monkeypatch.setattr("resolvers.upstream.httpx_transport._Network.let_go", leave_it)
    async with (
        service_that(answers) as service,
        transport_to(WIRES["httpx"], service.port, in_flight_limit=1) as transport,
    ):
        with pytest.raises(TimeoutError):
            await leave_at_every_turn(transport)
