"""The compose file's load balancer, as HAProxy and as its clients find it."""

import asyncio
import json
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.deploy.door import ADDRESSES, SETTINGS, Callers, Door, haproxy, open_door

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
FIRST, SECOND = ADDRESSES


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One door for all tests; each leaves two gateways behind it."""
    with open_door(tmp_path_factory.mktemp("door")) as door:
        yield door


def test_haproxy_finds_nothing_wrong() -> None:
    """HAProxy accepts its settings as they stand in the file, without a warning."""
    checked = subprocess.run(
        [haproxy(), "-c", "-f", str(SETTINGS)], check=False, capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stdout + checked.stderr


def test_gateways_can_be_replaced_one_after_the_other(door: Door) -> None:
    """Gateways end and start again under load, and not one request fails."""
    with Callers(door.url) as callers:
        callers.ask_on()
        exit_codes = []
        for address in ADDRESSES:
            exit_codes.append(door.gateways.stop(address))
            callers.ask_on()
            door.gateways.start(address)
            callers.ask_on(600)  # the door asks once a second whether it is back

    assert exit_codes == [0, 0]
    assert callers.outcomes.keys() == {("GET", "200"), ("POST", "200")}


def test_a_gateway_that_dies_is_missed_by_nobody_who_only_reads(door: Door) -> None:
    """A GET under way is asked of the other gateway; a POST is not, for it may be a write."""
    with Callers(door.url, count=8) as callers:
        callers.ask_on()
        door.gateways.kill(FIRST)
        callers.ask_on(500)
        failed = {key: count for key, count in callers.outcomes.items() if key[1] != "200"}
        door.gateways.start(FIRST)

    assert {method for method, _ in failed} <= {"POST"}
    # Each of the four who ask by POST had asked at that moment, or once more while its sockets were
    # being closed. Without the health check there would be hundreds.
    assert sum(failed.values()) <= 8


def test_a_body_that_no_gateway_would_read_gets_no_further_than_the_door(door: Door) -> None:
    """Beyond the door's limit it refuses by itself; below, the gateway does, as GraphQL."""
    with httpx.Client(base_url=door.url, trust_env=False) as client:
        small, large = (client.post("/graphql", content=bytes(n)) for n in (300_000, 2**21))

    assert (small.status_code, large.status_code) == (413, 413)
    assert small.json()["errors"][0]["extensions"]["code"] == "BODY_TOO_LARGE"
    assert large.headers["content-type"] == "text/html"


def test_a_gateways_numbers_are_not_for_clients(door: Door) -> None:
    """Who asks a gateway itself is shown its metrics; who comes by the door is not."""
    with httpx.Client(trust_env=False) as client:
        inside = client.get(f"http://{FIRST}:{door.gateways.port}/metrics")
        outside = client.get(f"{door.url}/metrics")

    assert (inside.status_code, outside.status_code) == (200, 404)
    assert "bff_" not in outside.text


async def test_a_socket_goes_through_the_door(door: Door) -> None:
    """Whoever speaks graphql-transport-ws to the door is answered by a gateway."""
    address = f"{door.url.replace('http', 'ws', 1)}/graphql"
    init = {"type": "connection_init"}
    asked = {"id": "1", "type": "subscribe", "payload": {"query": "{ __typename }"}}
    subprotocols = [Subprotocol("graphql-transport-ws")]
    async with connect(address, subprotocols=subprotocols) as socket, asyncio.timeout(10):
        await socket.send(json.dumps(init))
        welcome = json.loads(await socket.recv())
        await socket.send(json.dumps(asked))
        answer = json.loads(await socket.recv())

    assert welcome == {"type": "connection_ack"}
    assert answer["payload"]["data"] == {"__typename": "Query"}
