"""What may happen to the house, as rules: to events, services, the store, and by time alone.

Every rule is a line of the story.
"""

from collections.abc import Callable

from hypothesis.stateful import RuleBasedStateMachine

from projections.versions import AggregateKey, AggregateType
from tests.laws.proof.world.acts import act
from tests.laws.proof.world.house import DAY_S, MINUTE_S, House
from tests.laws.proof.world.logs import EVERYTHING
from tests.laws.proof.world.projectors import Crash
from tests.laws.proof.world.run import Run
from tests.laws.proof.world.service import Service
from tests.laws.proof.world.wire import Fate

GATEWAY = (0, 1)
NTH = (0, 0, 0, 1, 1, 2, 3, 4)
SOME = (1, 2, 3, 4)
TYPE = (AggregateType.ORDER, *AggregateType)
LIMIT = (1, 2, EVERYTHING)
DURATION_S = (0.01, 0.1, 0.3, 1.0, 3.0)
LONG_S = max(DURATION_S)


def having(trouble: Callable[[House], bool]) -> Callable[["HouseRules"], bool]:
    """An act is possible while the house has this."""
    return lambda rules: trouble(rules.run.house)


class HouseRules(RuleBasedStateMachine):
    """What nobody asked for. ``run`` is the schedule that it happens in."""

    run: Run

    # What becomes of events.

    @act(when=having(House.has_unshipped), of=TYPE, nth=NTH)
    def ship(self, of: AggregateType, nth: int) -> None:
        commit = self._service(of).topic.ship(nth)
        if commit is not None:
            self.run.happen(f"the relay ships {commit.key.id}@{commit.at}")

    @act(5, when=having(House.has_unshipped), of=TYPE, nth=NTH, limit=LIMIT)
    def ship_and_deliver(self, of: AggregateType, nth: int, limit: int) -> None:
        service = self._service(of)
        commit = service.topic.ship(nth)
        if commit is not None:
            self.run.happen(f"the relay ships {commit.key.id}@{commit.at}")
            self.deliver(of, service.topic.index_of(commit.key), limit)

    @act(is_fault=True, of=TYPE, count=SOME)
    def ship_again(self, of: AggregateType, count: int) -> None:
        topic = self._service(of).topic
        told = f"the relay ships the last {count} {of.source} of every partition again"
        self.run.happen(told, lambda: topic.ship_again(count))

    @act(is_fault=True, of=TYPE, nth=NTH, count=SOME)
    def stutter(self, of: AggregateType, nth: int, count: int) -> None:
        self.ship_again(of, count)
        self.deliver(of, nth, 1)

    @act(of=TYPE)
    def beat(self, of: AggregateType) -> None:
        topic = self._service(of).topic
        self.run.happen(f"the relay of {of.source} sends heartbeats", topic.beat)

    @act(2, of=TYPE, nth=NTH, limit=LIMIT)
    def deliver(self, of: AggregateType, nth: int, limit: int) -> None:
        projector = self._service(of).projector(nth)
        told = f"the projector of {projector.partition} applies at most {limit} events"
        self.run.happen(told, lambda: self.run.do(projector.step(limit)))

    @act(3, of=TYPE)
    def deliver_all(self, of: AggregateType) -> None:
        service = self._service(of)
        self.run.happen(
            f"all {of.source} are shipped and applied", lambda: self.run.do(service.deliver_all())
        )

    @act(2)
    def catch_up(self) -> None:
        house = self.run.house
        self.run.happen(
            "everything is shipped and applied", lambda: self.run.do(house.deliver_all())
        )

    @act(is_fault=True, of=TYPE, nth=NTH, how=tuple(Crash))
    def crash(self, of: AggregateType, nth: int, how: Crash) -> None:
        projector = self._service(of).projector(nth)
        told = f"the projector of {projector.partition} dies {how.value}"
        self.run.happen(told, lambda: self.run.do(projector.crash(how, 2)))

    @act(2, when=having(House.has_zombie), of=TYPE, nth=NTH)
    def haunt(self, of: AggregateType, nth: int) -> None:
        projector = self._service(of).projector(nth)
        if projector.has_zombie:
            told = f"the zombie of {projector.partition} stores what it holds"
            self.run.happen(told, lambda: self.run.do(projector.haunt()))

    @act(is_fault=True, of=TYPE, nth=NTH)
    def poison(self, of: AggregateType, nth: int) -> None:
        self._service(of).topic.poisons_next = True
        self.run.happen(f"the next of the {of.source} to be shipped will not be readable")
        self.ship(of, nth)
        self.deliver_all(of)

    @act(when=having(House.has_letters))
    def replay_letters(self) -> None:
        house = self.run.house
        self.run.happen(
            "what could not be read is replayed", lambda: self.run.do(house.replay_letters())
        )

    @act(is_fault=True, of=TYPE)
    def make_topic_again(self, of: AggregateType) -> None:
        topic = self._service(of).topic
        self.run.happen(f"the topic of {of.source} is made again", topic.make_again)

    # What becomes of services.

    @act(is_fault=True, of=TYPE, lost_count=SOME)
    def restore(self, of: AggregateType, lost_count: int) -> None:
        owner = self._service(of).owner
        told = f"the service of {of.source} is restored without its last {lost_count} changes"
        self.run.happen(told, lambda: owner.restore(lost_count))

    @act(4, of=TYPE, nth=NTH)
    def change_elsewhere(self, of: AggregateType, nth: int) -> None:
        owner = self._service(of).owner
        if rows := list(owner.rows()):
            row = rows[nth % len(rows)]
            self.run.happen(f"somebody else changes {row.id}", lambda: owner.commit(row))

    @act(is_fault=True, nth=NTH)
    def delete_order(self, nth: int) -> None:
        key, owner = self._nth_order(nth), self._service(AggregateType.ORDER).owner
        if owner.row_of(key.id) is not None:
            self.run.happen(f"{key.id} is deleted", lambda: owner.delete(key.id))

    @act(is_fault=True, of=TYPE, fate=tuple(Fate))
    def doom(self, of: AggregateType, fate: Fate) -> None:
        wire = self._service(of).wire
        self.run.happen(f"the next write to {of.source} {fate.value}", lambda: wire.doom(fate))

    @act(when=having(House.is_late), of=TYPE)
    def arrive_late(self, of: AggregateType) -> None:
        wire = self._service(of).wire
        if wire.late:
            self.run.happen(f"a write to {of.source} arrives at last", wire.arrive)

    @act(is_fault=True, of=TYPE)
    def cut(self, of: AggregateType) -> None:
        self.run.happen(f"{of.source} cannot be reached", self._service(of).cut)

    @act(is_fault=True, of=TYPE)
    def die(self, of: AggregateType) -> None:
        """So long that no budget is left, and whoever reads it needs something to stand in."""
        told = f"{of.source} cannot be reached, and {LONG_S:g} s go by"
        self._service(of).cut()
        self.run.happen(told, lambda: self.run.do(self.run.house.pass_time(LONG_S)))

    @act(is_fault=True, of=TYPE, delay_s=(0.01, 0.05, 0.2))
    def slow_down(self, of: AggregateType, delay_s: float) -> None:
        service = self._service(of)
        told = f"{of.source} take {delay_s:g} s to answer"
        self.run.happen(told, lambda: service.slow_down(delay_s))

    @act(is_fault=True, of=TYPE)
    def fall_behind(self, of: AggregateType) -> None:
        service = self._service(of)
        told = f"{of.source} are read from a copy that has only what was shipped"
        self.run.happen(told, service.fall_behind)

    @act(2, when=having(House.has_trouble), of=TYPE)
    def recover(self, of: AggregateType) -> None:
        self.run.happen(f"the service of {of.source} is well", self._service(of).recover)

    # What becomes of the store and its news.

    @act(is_fault=True, through=GATEWAY)
    def lose_store(self, through: int) -> None:
        gateway = self.run.house.gateways[through]
        told = f"gateway {gateway.name} cannot reach the store"
        self.run.happen(told, gateway.store.lose)

    @act(2, when=having(House.is_store_in_trouble), through=GATEWAY)
    def find_store(self, through: int) -> None:
        gateway = self.run.house.gateways[through]
        told = f"gateway {gateway.name} reaches the store"
        self.run.happen(told, gateway.store.find)

    @act(is_fault=True, through=GATEWAY, delay_s=(0.002, 0.02))
    def slow_store(self, through: int, delay_s: float) -> None:
        gateway = self.run.house.gateways[through]
        told = f"the store takes {delay_s:g} s to answer gateway {gateway.name}"
        self.run.happen(told, lambda: gateway.store.slow_down(delay_s))

    @act(is_fault=True, count=SOME)
    def lose_writes(self, count: int) -> None:
        store = self.run.house.store
        told = f"the store comes back without its last {count} writes"
        self.run.happen(told, lambda: store.lose_writes(count))

    @act(is_fault=True, through=GATEWAY, count=SOME)
    def lose_news(self, through: int, count: int) -> None:
        link = self.run.house.gateways[through].store.link
        told = f"gateway {'AB'[through]} will not hear the next {count} news"
        self.run.happen(told, lambda: link.lose(count))

    @act(is_fault=True, through=GATEWAY)
    def hold_news(self, through: int) -> None:
        link = self.run.house.gateways[through].store.link
        self.run.happen(f"news pile up on their way to gateway {'AB'[through]}", link.hold)

    @act(2, when=having(House.is_news_held), through=GATEWAY)
    def release_news(self, through: int) -> None:
        link = self.run.house.gateways[through].store.link
        self.run.happen(f"gateway {'AB'[through]} hears all news", link.release)

    @act(is_fault=True, of=TYPE)
    def rebuild(self, of: AggregateType) -> None:
        run = self.run
        self.run.happen(f"a rebuild of {of.source} begins", lambda: run.rebuild(of))

    # What time brings.

    @act(is_fault=True)
    def rotate_keys(self) -> None:
        self.run.happen(self.run.house.rotate_keys())

    @act(is_fault=True)
    def sleep_a_day(self) -> None:
        self.run.sleep("a day goes by", DAY_S)

    @act(is_fault=True)
    def sleep_a_minute(self) -> None:
        self.run.sleep("a minute goes by", MINUTE_S)

    @act(duration_s=DURATION_S)
    def pass_time(self, duration_s: float) -> None:
        house = self.run.house
        told = f"{duration_s:g} s go by"
        self.run.happen(told, lambda: self.run.do(house.pass_time(duration_s)))

    def _nth_order(self, nth: int) -> AggregateKey:
        orders = self.run.orders()
        return AggregateKey(AggregateType.ORDER, orders[nth % len(orders)])

    def _service(self, of: AggregateType) -> Service:
        return self.run.house.services[of]
