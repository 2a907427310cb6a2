"""Redis comes back empty, freezes, loses its last writes, cuts its listeners: nobody goes back."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.crowd import Crowd
from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.e2e.processes import eventually
from tests.e2e.shopper import EVENTUAL, Answer, Shopper

pytestmark = pytest.mark.e2e

DEADLINE_S = 2.0
BUSY_MACHINE_S = 1.0
STEPS_BETWEEN = 60
FROZEN_S = 2.0


def assert_unharmed(crowd: Crowd) -> None:
    """Nobody has noticed anything but time: all was answered, as demanded and soon enough."""
    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}
    assert crowd.unsatisfied_count == 0
    assert crowd.slowest_s < DEADLINE_S + BUSY_MACHINE_S


def test_server_that_comes_back_empty_is_filled_again(house: DistributedHouse) -> None:
    """What a server without persistence forgets is projected again from the logs."""
    with house.crowd() as crowd:
        crowd.take_steps(STEPS_BETWEEN)
        house.valkey.restart_empty()
        crowd.take_steps(STEPS_BETWEEN)
    audit = audited(house)

    assert_unharmed(crowd)
    assert audit.row_count >= 60


def test_server_that_loses_its_last_writes_gets_them_again(house: DistributedHouse) -> None:
    """After a failover the projection is soon where it was, and no session has gone back."""
    with house.crowd() as crowd:
        crowd.take_steps(STEPS_BETWEEN)
        house.valkey.save()
        crowd.take_steps(STEPS_BETWEEN // 2)
        house.valkey.restart_without_last_writes()
        crowd.take_steps(STEPS_BETWEEN)
    audited(house)

    assert_unharmed(crowd)


@dataclass(frozen=True, slots=True)
class Failover:
    """What Redis lost of one order that was written and one that was seen, and what was then read.

    There are two, as who reads an order live brings it back into the projection.
    """

    written_version: int
    seen_version: int
    without_token: Answer
    by_writer: Answer
    by_reader: Answer


@pytest.fixture(scope="module")
def failover(shared_distributed_house: DistributedHouse) -> Iterator[Failover]:
    """Redis has lost what one session wrote and another saw; no projector brings it again."""
    house = shared_distributed_house
    house.make_whole()
    with house.shopper() as writer, house.shopper(1) as reader:
        house.valkey.save()
        written = writer.write("updateOrder", {"id": "o-4", "note": "written, then lost"})
        noted = writer.write("updateOrder", {"id": "o-5", "note": "seen, then lost"})
        seen = eventually(
            lambda: shown_from_the_projection(reader, "o-5", noted.version),
            about="the projection shows the change",
        )
        house.kill(house.projectors[0])
        house.valkey.restart_without_last_writes()
        without_token = eventually(
            lambda: from_the_projection(reader.order("o-4", EVENTUAL)),
            about="the projection serves again",
        )
        by_reader = reader.order("o-5", token=seen.consistency["token"])
        by_writer = writer.order("o-4", token=written.token)
    yield Failover(written.version, noted.version, without_token, by_writer, by_reader)
    house.make_whole()
    audited(house)


def test_failover_takes_the_projection_back(failover: Failover) -> None:
    """Without a token the old world is shown, so the tests below prove something."""
    assert failover.without_token.data["order"]["version"] < failover.written_version


def test_session_reads_its_write_after_a_failover_has_lost_it(failover: Failover) -> None:
    """A write that the projection had and lost is read live by who brings its token."""
    assert failover.by_writer.data["order"]["version"] == failover.written_version
    assert failover.by_writer.shown("order") == ("LIVE", "TOKEN_NOT_REACHED")


def test_session_sees_again_what_a_failover_has_lost(failover: Failover) -> None:
    """What the projection has shown to a session stays shown to it."""
    assert failover.by_reader.data["order"]["version"] == failover.seen_version
    assert failover.by_reader.shown("order") == ("LIVE", "TOKEN_NOT_REACHED")


def from_the_projection(answer: Answer) -> Answer | None:
    """The answer, if its order was projected."""
    return answer if answer.shown("order")[0] == "PROJECTION" else None


def shown_from_the_projection(reader: Shopper, order_id: str, version: int) -> Answer | None:
    """The order at this version, read by somebody who demands nothing."""
    answer = reader.order(order_id)
    return from_the_projection(answer) if answer.data["order"]["version"] == version else None


def test_frozen_server_makes_reads_live_and_not_late(house: DistributedHouse) -> None:
    """While Redis answers nothing reads are composed live; afterwards the projection serves."""
    with house.crowd() as crowd:
        crowd.take_steps(STEPS_BETWEEN)
        with house.valkey.frozen():
            crowd.go_on_for(FROZEN_S)
        crowd.take_steps(STEPS_BETWEEN)
    audited(house)
    with house.shopper() as shopper:
        served = eventually(
            lambda: shopper.order("o-1").shown("order")[0] == "PROJECTION",
            about="the projection serves again",
        )

    assert served
    assert_unharmed(crowd)


def test_listeners_that_are_cut_off_listen_again(house: DistributedHouse) -> None:
    """Announcements lost with their connections leave nobody waiting, or reading what is old."""
    cut_count = 0

    with house.crowd() as crowd:
        for _ in range(5):
            crowd.take_steps(STEPS_BETWEEN // 2)
            cut_count += house.valkey.cut_connections("pubsub")
    audited(house)

    assert cut_count >= 5
    assert_unharmed(crowd)
