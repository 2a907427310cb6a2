"""What can befall a house, each as a block: inside it something is wrong, after it all is mended.

What is killed is started again by the one who killed it; what a block cannot mend at its end (rows
that Redis has lost, say) the house mends by itself, which is what is proved.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from random import Random
from typing import Final

from tests.e2e.distributed.demo_services import FAULTLESS
from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.e2e.distributed.log_oracle import SERVICES
from tests.e2e.processes import eventually
from tests.servers.mock_kafka import MockKafka

Block = AbstractContextManager[None]
Fault = Callable[[DistributedHouse, Random], Block]

Rule = Mapping[str, object]


@contextmanager
def projector_killed(house: DistributedHouse, random: Random) -> Iterator[None]:
    """One projector is gone; another comes later."""
    house.kill(random.choice(house.projectors))
    yield
    house.start_projector()


@contextmanager
def projectors_frozen(house: DistributedHouse, random: Random) -> Iterator[None]:
    """Some projectors stand still, a batch in hand, and go on with it afterwards."""
    frozen = random.sample(house.projectors, random.randint(1, len(house.projectors)))
    with ExitStack() as all_frozen:
        for projector in frozen:
            all_frozen.enter_context(projector.frozen())
        yield


@contextmanager
def projector_added(house: DistributedHouse, random: Random) -> Iterator[None]:
    """One projector more applies everything too, and is killed."""
    rival = house.start_projector()
    yield
    house.kill(rival)


@contextmanager
def redis_paused(house: DistributedHouse, random: Random) -> Iterator[None]:
    """Redis takes commands and answers them late."""
    house.valkey.pause(random.uniform(0.05, 0.5))
    yield


@contextmanager
def redis_frozen(house: DistributedHouse, random: Random) -> Iterator[None]:
    """Nothing comes from Redis."""
    with house.valkey.frozen():
        yield


@contextmanager
def redis_back_empty(house: DistributedHouse, random: Random) -> Iterator[None]:
    """Redis is killed and comes back with nothing."""
    house.valkey.restart_empty()
    yield


@contextmanager
def redis_emptied(house: DistributedHouse, random: Random) -> Iterator[None]:
    """Somebody empties Redis while it is in use."""
    house.valkey.empty()
    yield


@contextmanager
def last_writes_lost(house: DistributedHouse, random: Random) -> Iterator[None]:
    """What is written inside the block Redis loses at its end, as in a failover."""
    house.valkey.save()
    yield
    house.valkey.restart_without_last_writes()


@contextmanager
def listeners_cut_off(house: DistributedHouse, random: Random) -> Iterator[None]:
    """Announcements are lost with the connections that they would have come by."""
    house.valkey.cut_connections("pubsub")
    yield


@contextmanager
def kafka_slow(house: DistributedHouse, random: Random) -> Iterator[None]:
    """Every answer of the brokers takes longer."""
    kafka = mock_of(house)
    kafka.delay_answers(random.uniform(0.02, 0.2))
    yield
    kafka.delay_answers(0)


@contextmanager
def kafka_down(house: DistributedHouse, random: Random) -> Iterator[None]:
    """No broker can be reached."""
    with mock_of(house).down():
        yield


@contextmanager
def rebuilt(house: DistributedHouse, random: Random) -> Iterator[None]:
    """The read model is made again from its logs; what is not done at the end is killed."""
    rebuild = house.run_command("rebuild", "--yes")
    yield
    rebuild.kill()


@contextmanager
def gateway_killed(house: DistributedHouse, random: Random) -> Iterator[None]:
    """One gateway is gone with all that it had in hand; later it is there again."""
    gateway = random.choice(house.gateways)
    house.kill(gateway)
    yield
    start_gateway_again(house, gateway.address)


@contextmanager
def gateway_ended(house: DistributedHouse, random: Random) -> Iterator[None]:
    """One gateway is asked to end, as at every deployment."""
    gateway = random.choice(house.gateways)
    gateway.end()
    house.leave(gateway)
    yield
    start_gateway_again(house, gateway.address)


@contextmanager
def relay_held(house: DistributedHouse, random: Random) -> Iterator[None]:
    """One service tells nothing of what it commits."""
    with relay_faults(house, random.choice(SERVICES), {"isHeld": True}):
        yield


@contextmanager
def events_doubled(house: DistributedHouse, random: Random) -> Iterator[None]:
    """One service tells a third of its events twice."""
    with relay_faults(house, random.choice(SERVICES), {"duplicateRatio": 0.3}):
        yield


@contextmanager
def service_killed(house: DistributedHouse, random: Random) -> Iterator[None]:
    """One service is gone, its relay too; later it is there again, over the data it left."""
    service = random.choice(SERVICES)
    house.kill_service(service)
    yield
    house.restart_service(service)


@contextmanager
def service_frozen(house: DistributedHouse, random: Random) -> Iterator[None]:
    """One service takes requests and answers none until later."""
    with house.services[random.choice(SERVICES)].frozen():
        yield


def service_slow(house: DistributedHouse, random: Random) -> Block:
    """One service takes its time, now and then much of it."""
    return struck(house, random, {"path": "/", "latencyMs": {"p50": 20, "p99": 900}})


def service_failing(house: DistributedHouse, random: Random) -> Block:
    """One service fails a third of what it is asked, and does not do it."""
    return struck(house, random, {"path": "/", "errorRate": 0.3, "status": 503})


def answers_dropped(house: DistributedHouse, random: Random) -> Block:
    """One service does what it is asked, and often does not say so."""
    methods = ["POST", "PATCH"]
    return struck(house, random, {"path": "/", "methods": methods, "rate": 0.3, "dropAnswer": True})


OF_THE_PROJECTION: Final[tuple[Fault, ...]] = (
    projector_killed,
    projectors_frozen,
    projectors_frozen,
    projector_added,
    redis_paused,
    redis_frozen,
    redis_back_empty,
    redis_emptied,
    last_writes_lost,
    last_writes_lost,
    listeners_cut_off,
    kafka_slow,
    kafka_down,
    rebuilt,
)

RARE: Final = frozenset({redis_back_empty, redis_emptied})
"""After these, sessions that have seen something are answered live for up to two minutes: what was
seen of a projection that is no more cannot be compared with the one that is made anew."""

OF_OWNERS_AND_GATEWAYS: Final[tuple[Fault, ...]] = (
    gateway_killed,
    gateway_ended,
    relay_held,
    relay_held,
    events_doubled,
    service_killed,
    service_frozen,
    service_slow,
    service_failing,
    answers_dropped,
    answers_dropped,
)


@contextmanager
def relay_faults(house: DistributedHouse, service: str, faults: Rule) -> Iterator[None]:
    """The relay of one service misbehaves like this inside the block."""
    relay = f"{house.urls[service]}/admin/relay"
    house.http.put(relay, json=dict(faults)).raise_for_status()
    try:
        yield
    finally:
        house.http.put(relay, json=dict(FAULTLESS)).raise_for_status()


@contextmanager
def struck(house: DistributedHouse, random: Random, rule: Rule) -> Iterator[None]:
    """One service misbehaves by this rule inside the block."""
    faults = f"{house.urls[random.choice(SERVICES)]}/admin/faults"
    rules = {"seed": random.randrange(1000), "rules": [dict(rule)]}
    house.http.put(faults, json=rules).raise_for_status()
    try:
        yield
    finally:
        house.http.delete(faults).raise_for_status()


def start_gateway_again(house: DistributedHouse, address: str) -> None:
    """A gateway at the address of one that is gone; returns when it takes requests."""
    house.start_gateway(address)
    eventually(lambda: house.is_alive(address), about=f"a gateway at {address}")


def mock_of(house: DistributedHouse) -> MockKafka:
    """The Kafka that can be told to misbehave."""
    assert isinstance(house.kafka, MockKafka)
    return house.kafka
