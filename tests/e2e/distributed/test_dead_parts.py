"""A relay, a projector, a service or a gateway's ear dies: each shows within three seconds.

What shows is measured from outside, from the moment of the blow: on the wire and in the log.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpx
import pytest

from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.distributed_house import DistributedHouse, shopper_at
from tests.e2e.distributed.log_oracle import SERVICES
from tests.e2e.distributed.roles import Role, free_address, start_role
from tests.e2e.processes import eventually
from tests.e2e.shopper import EVENTUAL, Json
from tests.servers.kafka import unique

pytestmark = pytest.mark.e2e

SHOWS_WITHIN_S = 3.0
EVERY_SOURCE = set(SERVICES)


class Blow:
    """Something was just killed or held; tells how long (s) it takes until that shows."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._struck_at_s = time.monotonic()

    def shows_after_s(self, look: Callable[[], object], where: str) -> float:
        """How long after the blow ``look`` finds it. Raises `NeverHappened`."""
        eventually(look, about=f"{self._about} shows {where}")
        took_s = time.monotonic() - self._struck_at_s
        print(f"{self._about} shows {where} after {took_s:.2f} s")
        return took_s


def spent_sources(house: DistributedHouse) -> set[str]:
    """The sources whose staleness budget a gateway finds spent."""
    return {name for name, of in house.readiness()["sources"].items() if of["isSpent"]}


def logged(gateway: Role, event: str, since: int = 0) -> set[str]:
    """The sources of which this gateway has logged this event, but for the first so many times."""
    return {line["source"] for line in gateway.events(event)[since:]}


def shows_in_time(
    house: DistributedHouse, about: str, strike: Callable[[], object], sources: set[str]
) -> Sequence[float]:
    """Strike, and see these sources go stale on the wire and in the log; how long each took (s)."""
    gateway = house.gateways[0]
    told_before = len(gateway.events("projection_stale"))
    strike()
    blow = Blow(about)
    return (
        blow.shows_after_s(lambda: sources <= spent_sources(house), "on the wire"),
        blow.shows_after_s(
            lambda: sources <= logged(gateway, "projection_stale", told_before), "in the log"
        ),
    )


def is_healed(house: DistributedHouse) -> bool:
    """Whether the gateway finds every source current."""
    return bool(house.readiness()["status"] == "ready")


@contextmanager
def frozen(role: Role) -> Iterator[Callable[[], None]]:
    """The process can be made to stand still inside the block, and goes on after it."""
    try:
        yield lambda: role.process.send_signal(signal.SIGSTOP)
    finally:
        role.process.send_signal(signal.SIGCONT)


def hold_relay(house: DistributedHouse, service: str, *, is_held: bool) -> None:
    """This service's relay stands still, or goes on."""
    relay = f"{house.urls[service]}/admin/relay"
    house.http.put(relay, json={"isHeld": is_held}).raise_for_status()


def test_relay_that_stands_still_shows_within_three_seconds(house: DistributedHouse) -> None:
    """Its source goes stale, and no other; released, it is current again."""
    took_s = shows_in_time(
        house, "a held relay", lambda: hold_relay(house, "orders", is_held=True), {"orders"}
    )
    spent = spent_sources(house)
    told = house.readiness()
    hold_relay(house, "orders", is_held=False)
    eventually(lambda: is_healed(house), about="every source is current again")
    eventually(
        lambda: "orders" in logged(house.gateways[0], "projection_current"),
        about="the log tells of the healing",
    )
    audited(house)

    assert max(took_s) < SHOWS_WITHIN_S
    assert spent == {"orders"}
    assert told["status"] == "stale"


def test_projector_that_stands_still_shows_within_three_seconds(house: DistributedHouse) -> None:
    """A process that is there and does nothing makes every source stale, until it goes on."""
    [projector] = house.projectors

    with frozen(projector) as freeze:
        took_s = shows_in_time(house, "a frozen projector", freeze, EVERY_SOURCE)
    eventually(lambda: is_healed(house), about="every source is current again")
    audited(house)

    assert max(took_s) < SHOWS_WITHIN_S


def test_projector_that_is_killed_shows_within_three_seconds(house: DistributedHouse) -> None:
    """Without a projector every source goes stale; the next one makes them current."""
    [projector] = house.projectors

    took_s = shows_in_time(house, "a killed projector", lambda: house.kill(projector), EVERY_SOURCE)
    house.make_whole()
    audited(house)

    assert max(took_s) < SHOWS_WITHIN_S


def test_service_that_is_killed_shows_within_three_seconds(house: DistributedHouse) -> None:
    """A service takes its relay along; its source goes stale, and no other."""
    took_s = shows_in_time(
        house, "a killed service", lambda: house.kill_service("customers"), {"customers"}
    )
    spent = spent_sources(house)
    house.make_whole()
    audited(house)

    assert max(took_s) < SHOWS_WITHIN_S
    assert spent == {"customers"}


class Ear:
    """A gateway whose user of Redis is its own, so that it alone can be forbidden to listen."""

    def __init__(self, house: DistributedHouse) -> None:
        self._house = house
        self._user = unique("ear")
        self._set_user("on", "nopass", "~*", "&*", "+@all")
        port, address = free_address()
        url = house.valkey.url.replace("//", f"//{self._user}:any@")
        settings = {**house.settings, "BFF_PORT": str(port), "BFF_REDIS_URL": url}
        self.gateway = start_role(
            self._user, ("gateway", "serve"), house.folder, settings=settings, address=address
        )
        house.past.append(self.gateway)

    def cut(self) -> None:
        """The server ends its subscription and takes no other; everything else is allowed."""
        self._set_user("resetchannels")

    def mend(self) -> None:
        """It may subscribe again."""
        self._set_user("allchannels")

    @property
    def watcher(self) -> Json:
        """What it tells of its watcher."""
        told: Json = self._house.http.get(f"{self.gateway.address}/readyz").json()
        watcher: Json = told["watcher"]
        return watcher

    @property
    def is_listening(self) -> bool:
        try:
            return bool(self.watcher["state"] == "listening")
        except httpx.TransportError:
            return False  # it has just been started

    def _set_user(self, *rules: str) -> None:
        self._house.valkey.command("ACL", "SETUSER", self._user, *rules)


@pytest.fixture
def ear(house: DistributedHouse) -> Iterator[Ear]:
    """One more gateway, which listens."""
    ear = Ear(house)
    try:
        eventually(lambda: ear.is_listening, about="a gateway that listens")
        yield ear
    finally:
        ear.gateway.kill()


def test_watcher_that_is_cut_off_shows_within_three_seconds(
    house: DistributedHouse, ear: Ear
) -> None:
    """The gateway says that it is deaf, and why; its reads stay right, and it hears again."""
    with shopper_at(ear.gateway.address) as reader, house.shopper() as writer:
        for _ in range(3):
            reader.order("o-6")  # so that its rows are at hand
        ear.cut()
        blow = Blow("a watcher that is cut off")
        took_s = (
            blow.shows_after_s(lambda: ear.watcher["state"] == "deaf", "on the wire"),
            blow.shows_after_s(lambda: ear.gateway.events("watcher_deaf"), "in the log"),
        )
        told = ear.watcher
        written = writer.write("updateOrder", {"id": "o-6", "note": "unheard of"})
        by_token = reader.order("o-6", token=written.token)
        eventually(
            lambda: writer.order("o-6", EVENTUAL).data["order"]["note"] == "unheard of",
            about="the change is projected",
        )
        plain = reader.order("o-6")
    ear.mend()
    eventually(lambda: ear.is_listening, about="a watcher that hears again")
    eventually(lambda: ear.gateway.events("watcher_listening"), about="its line in the log")
    audited(house)

    assert max(took_s) < SHOWS_WITHIN_S
    assert told["reason"].startswith("the server ")
    assert by_token.data["order"]["note"] == plain.data["order"]["note"] == "unheard of"
    assert by_token.consistency["satisfied"] is True
