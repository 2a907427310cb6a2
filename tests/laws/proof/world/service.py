"""One service of the house, all of it: who owns the rows, how it is asked, and how it tells."""

from collections.abc import Callable
from dataclasses import dataclass

from projections.versions import AggregateType
from tests.laws.proof.world.desks import Desk
from tests.laws.proof.world.logs import Topic
from tests.laws.proof.world.owners import Owner
from tests.laws.proof.world.projectors import Projector
from tests.laws.proof.world.shared_store import SharedStore
from tests.laws.proof.world.wire import Wire

PARTITION_COUNTS = {AggregateType.ORDER: 2, AggregateType.CUSTOMER: 1, AggregateType.PRODUCT: 1}


@dataclass(slots=True)
class Service:
    """A service, its wire, its topic and the projectors of its partitions.

    ``has_lagged``: it was once read from a copy that was behind.
    """

    owner: Owner
    desk: Desk
    wire: Wire
    topic: Topic
    projectors: list[Projector]
    has_lagged: bool = False

    @property
    def source(self) -> str:
        return self.owner.source

    @property
    def is_in_trouble(self) -> bool:
        """Cannot it be reached, or is it slow or behind?"""
        return self.wire.is_cut or self.wire.delay_s > 0 or self.desk.replica is not None

    async def deliver_all(self) -> None:
        """Let everything be shipped and applied, and proven current."""
        self.topic.ship_all()
        for projector in self.projectors:
            await projector.catch_up()

    def fall_behind(self) -> None:
        """From now on rows are read from a copy of the backup and of what was shipped."""
        self.desk.replica = self.topic.told_of
        self.has_lagged = True

    def projector(self, nth: int) -> Projector:
        """One of the projectors."""
        return self.projectors[nth % len(self.projectors)]

    def cut(self) -> None:
        """From now on nobody reaches the service."""
        self.wire.is_cut = True

    def slow_down(self, delay_s: float) -> None:
        """From now on answers take so long."""
        self.wire.delay_s = delay_s

    def recover(self) -> None:
        """Be reached again, at once, and have all that was committed."""
        self.wire.is_cut = False
        self.wire.delay_s = 0.0
        self.desk.replica = None

    def mend(self) -> None:
        """Let nothing be wrong any more, on the wire or behind it."""
        self.recover()
        self.wire.fates.clear()
        self.topic.poisons_next = False
        while self.wire.late:
            self.wire.arrive()


def open_service(
    of: AggregateType,
    store: SharedStore,
    wall_clock: Callable[[], float],
    new_id: Callable[[], str],
) -> Service:
    """A service that owns nothing yet."""
    owner = Owner(of, wall_clock)
    desk = Desk(owner, new_id)
    topic = Topic(owner, PARTITION_COUNTS[of])
    projectors = [Projector(topic, partition, store) for partition in topic.partition_names()]
    return Service(owner, desk, Wire(desk), topic, projectors)
