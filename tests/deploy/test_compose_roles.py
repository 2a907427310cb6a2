"""What the compose file starts is what our commands and settings accept."""

import re
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from gateway.__main__ import cli
from gateway.serving import DRAIN_S
from gateway.settings import Settings
from tests.deploy.compose_file import ROOT, SERVICES, Service, mebibytes, seconds
from upstream_stubs.__main__ import parser

DOOR = (ROOT / "deploy" / "haproxy.cfg").read_text(encoding="utf-8")
OURS = {name: service for name, service in SERVICES.items() if service.is_ours}
STUBS = ("orders", "customers", "products")
PORTS = {"kafka": 9092, "redis": 6379, **dict.fromkeys(STUBS, 8000)}
"""Where each service listens for the others."""


@pytest.mark.parametrize("name", OURS)
def test_every_command_line_is_one_of_ours(name: str) -> None:
    """The command that a container runs exists, with each of its options."""
    check = SERVICES[name].healthcheck
    asked = [] if check is None else [check.test[1:]]

    for words in (SERVICES[name].words, *asked):
        match words:
            case ["bff", *arguments]:
                said = CliRunner().invoke(cli, [*arguments, "--help"])
                assert said.exit_code == 0, said.output
            case ["python", "-m", "upstream_stubs", *arguments]:
                parser().parse_args(arguments)
            case _:
                assert words[:2] == ["python", "-c"]
                compile(words[2], name, "exec")


@pytest.mark.parametrize("name", ["gateway", "projector"])
def test_every_setting_exists(name: str) -> None:
    """The variables of a role describe one: Kafka's events, kept in Redis."""
    settings = Settings.from_environment(SERVICES[name].environment)

    assert (settings.events, settings.store) == ("kafka", "redis")
    assert settings.log_format == "json"


def test_gateways_and_projectors_mean_the_same_world() -> None:
    """What both roles are told, they are told alike."""
    gateway, projector = SERVICES["gateway"].environment, SERVICES["projector"].environment

    assert projector.items() <= gateway.items()


@pytest.mark.parametrize("name", OURS)
def test_every_address_is_one_of_this_house(name: str) -> None:
    """Where a container is told to call, a service listens on that port, and is waited for."""
    for host, port in addresses_in(SERVICES[name]):
        assert PORTS[host] == port, f"{host}:{port}"
        assert host in waited_for(name)


@pytest.mark.parametrize("name", STUBS)
def test_every_service_publishes_and_keeps_its_data(name: str) -> None:
    """A service listens where its neighbours call, keeps its file, and relays to Kafka."""
    told = parser().parse_args(SERVICES[name].words[3:])

    assert (told.host, told.port) == ("0.0.0.0", PORTS[name])
    assert told.kafka == "kafka:9092"
    assert f"{name}:{told.data}" in SERVICES[name].volumes


def test_the_keys_are_made_where_the_gateways_read_them() -> None:
    """The one-shot service keeps the keys in the very file that the gateways are told of."""
    kept = SERVICES["keys"].words[-1]

    assert SERVICES["gateway"].environment["BFF_TOKEN_KEYS_FILE"] == kept
    assert SERVICES["keys"].volumes == ["keys:/keys"]


def test_redis_keeps_what_it_is_given() -> None:
    """Redis writes everything down, drops nothing, and is full before its container is."""
    words = SERVICES["redis"].words
    given = dict(zip(words[1::2], words[2::2], strict=True))

    assert (given["--appendonly"], given["--appendfsync"]) == ("yes", "everysec")
    assert given["--maxmemory-policy"] == "noeviction"
    limit = mebibytes(SERVICES["redis"].deploy.resources.limits.memory)
    assert mebibytes(given["--maxmemory"]) <= limit / 2  # a rewritten log may need it twice


@pytest.mark.parametrize("name", ["gateway", "projector"])
def test_there_are_two_of_each(name: str) -> None:
    """Two gateways and two projectors, so that either can be lost; the door has room for more."""
    places = re.findall(r"server-template \S+ (\d+) gateway:8000", DOOR)

    assert SERVICES[name].deploy.replicas == 2
    assert places == ["4"]


@pytest.mark.parametrize("name", OURS)
def test_there_is_time_to_end_in_order(name: str) -> None:
    """Docker kills none of ours before it has drained and answered what it was asked."""
    drain_s = Settings.from_environment(SERVICES["gateway"].environment).drain_ms / 1000
    grace_s = seconds(SERVICES[name].stop_grace_period)

    assert grace_s >= 10
    assert grace_s > drain_s + DRAIN_S
    assert SERVICES[name].init  # the first process of a container has no default for a signal


def test_a_gateway_drains_for_longer_than_the_door_takes_to_notice() -> None:
    """While it still serves, it has been asked often enough to be passed over."""
    server = words_after("default-server")
    seen = {word: server[at + 1] for at, word in enumerate(server[:-1])}
    check_s = seconds(words_after("timeout check")[0])
    fall_count = int(seen["fall"])

    notice_s = seconds(seen["inter"]) + (fall_count - 1) * seconds(seen["fastinter"])
    drain_s = Settings.from_environment(SERVICES["gateway"].environment).drain_ms / 1000
    assert notice_s + fall_count * check_s / 2 < drain_s


def test_the_gateway_gives_up_before_the_door_does() -> None:
    """The door waits longer for an answer than a request's deadline, and lets larger bodies by."""
    settings = Settings.from_environment(SERVICES["gateway"].environment)
    [limit_bytes] = re.findall(r"req\.hdr_val\(content-length\) gt (\d+)", DOOR)

    assert seconds(words_after("timeout server")[0]) > settings.request_timeout_s
    assert int(limit_bytes) > settings.body_limit_bytes


def test_the_door_lets_a_silent_connection_live() -> None:
    """A WebSocket, or an event stream, may miss two signs of life before the door gives it up."""
    settings = Settings.from_environment(SERVICES["gateway"].environment)
    streams = words_after("http-request set-timeout server")

    assert seconds(words_after("timeout tunnel")[0]) > 2 * settings.live_ping_s
    assert seconds(streams[0]) > 2 * settings.live_ping_s
    assert "text/event-stream" in streams


def test_the_gateway_believes_the_door_who_asks() -> None:
    """The door appends the client's address, and it is the one proxy that is believed."""
    settings = Settings.from_environment(SERVICES["gateway"].environment)

    assert words_after("option forwardfor") == []
    assert settings.trusted_proxies == 1


def test_a_write_is_never_sent_twice() -> None:
    """Beyond a connection that could not be made, the door repeats nothing but a GET."""
    assert words_after("retry-on") == ["conn-failure", "empty-response"]
    assert words_after("http-request disable-l7-retry") == ["if", "!METH_GET"]


def addresses_in(service: Service) -> set[tuple[str, int]]:
    """Every host and port that its settings and its command line name, but its own."""
    texts = [*service.words, *service.environment.values()]
    urls = [urlsplit(text if "//" in text else f"//{text}") for text in texts if ":" in text]
    return {(url.hostname, url.port) for url in urls if url.hostname and url.port}


def waited_for(name: str) -> set[str]:
    """Everything that is up, or done, before this service starts."""
    needed = set(SERVICES[name].depends_on)
    return needed.union(*(waited_for(other) for other in needed))


def words_after(beginning: str) -> list[str]:
    """The rest of the one line of the door's settings that begins so."""
    [line] = [line.strip() for line in DOOR.splitlines() if line.strip().startswith(beginning)]
    return line.removeprefix(beginning).split()
