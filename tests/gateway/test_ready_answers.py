"""What is told anew of answers whose bytes are kept: their token, and how old the sources are."""

from dataclasses import dataclass, field, replace

import orjson
import pytest

from gateway.consistency_extension import AGE, ReadyConsistency, render_consistency
from gateway.ready_answers import MAX_SEALED, SealedFloors
from projections.positions import LogPlace, SourcePosition
from projections.selection import PageKey
from projections.store import Cut
from projections.token_codec import TokenCodec, TokenKey, TokenKeys
from projections.token_shrinking import MAX_FLOOR_PARTITIONS, floor_from
from projections.versions import AggregateKey, AggregateType, Version
from resolvers.answer import Provenance, Reason, Source
from resolvers.report import ConsistencyReport, Shown
from resolvers.tokens import TokenDesk
from tests.builders.rows import order_key, position
from tests.gateway_in_process import KEYS

MINUTE_S = 60.0
NOW_S = 30_000_000 * MINUTE_S
ORDERS = frozenset([AggregateType.ORDER])


@dataclass
class Sealing:
    """Floors that are sealed; each is found to be what it should be."""

    floors: SealedFloors = field(default_factory=SealedFloors)
    codec: TokenCodec = field(default_factory=lambda: TokenCodec(KEYS))
    now_s: float = NOW_S
    cut: Cut = field(default_factory=lambda: standing(1))

    def seal(self, subject: str = "ada") -> str | None:
        desk = TokenDesk(self.codec, subject, lambda: self.now_s)
        text = self.floors.seal(self.cut, ORDERS, desk, self.now_s)
        assert text in (None, desk.seal(floor_from(self.cut, ORDERS, self.now_s)))
        return text


def standing(offset: int, *, partition_count: int = 1) -> Cut:
    places = {index: LogPlace(7, offset) for index in range(partition_count)}
    return Cut(positions={"orders": replace(position(), places=places)})


class TestSealedFloors:
    def test_between_two_events_a_floor_is_sealed_once(self) -> None:
        """For each subject; it is the token that she would be given anyway."""
        sealing = Sealing()

        first, again, other = sealing.seal(), sealing.seal(), sealing.seal("bob")

        assert first is again
        assert first != other

    @pytest.mark.parametrize("what", ["minute", "positions", "keys"])
    def test_another_moment_has_other_tokens(self, what: str) -> None:
        """Of another minute, of other places, with other keys: all are sealed anew."""
        sealing = Sealing()
        before = sealing.seal()

        match what:
            case "minute":
                sealing.now_s += MINUTE_S
            case "positions":
                sealing.cut = standing(2)
            case _:
                other = TokenKeys(TokenKey(2, b"another secret of these tests ..".ljust(32)))
                sealing.codec = TokenCodec(other)
        after = sealing.seal()

        assert after != before
        assert len(sealing.floors._texts) == 1

    def test_they_are_no_more_than_so_many(self) -> None:
        """However many subjects come between two events."""
        sealing = Sealing()

        for number in range(2 * MAX_SEALED + 1):
            sealing.seal(f"subject {number}")

        assert len(sealing.floors._texts) <= MAX_SEALED

    @pytest.mark.parametrize(
        "cut",
        [
            Cut(),
            Cut(positions={"orders": position()}),
            Cut(positions={"orders": replace(position(), is_caught_up=False)}),
            standing(1, partition_count=MAX_FLOOR_PARTITIONS + 1),
        ],
        ids=["no position", "no place", "behind", "too many partitions"],
    )
    def test_where_no_floor_says_it_there_is_none(self, cut: Cut) -> None:
        """What she has seen must be told in other words, and not here."""
        assert Sealing(cut=cut).seal() is None


def a_shown(path: str, key: AggregateKey | PageKey, age_s: float = 0.25) -> Shown:
    version = None if isinstance(key, PageKey) else Version(1, 3)
    return Shown(path, key, version, Provenance(Source.PROJECTION, Reason.DEFAULT, age_s))


class TestReadyConsistency:
    @pytest.mark.parametrize("age_s", [0.0, 0.0004, 0.25, 12.3456, 599.9995])
    @pytest.mark.parametrize(
        "shown",
        [
            [],
            [("order", order_key())],
            [("order", order_key("100%d of %(it)s %%")), ("é.order", order_key('"ageMs":%'))],
            [("orders", PageKey("c-1", None, 20, None)), ("orders.edges.node", order_key())],
            [("order", order_key('"ageMs":-987654321')), ("a", order_key("-987654321"))],
        ],
        ids=["nothing", "a row", "odd names", "a list", "names like ours"],
    )
    def test_it_is_what_would_be_rendered(
        self, shown: list[tuple[str, AggregateKey | PageKey]], age_s: float
    ) -> None:
        """Byte for byte, whatever the names and however old."""
        earlier = [a_shown(path, key, 0.5) for path, key in shown]
        report = ConsistencyReport(shown=[a_shown(path, key, age_s) for path, key in shown])

        ready = ReadyConsistency.of(earlier).at("token", {AggregateType.ORDER: age_s})

        assert ready == orjson.dumps(render_consistency(report, "token", expired_count=0))

    def test_the_age_is_where_it_always_was(self) -> None:
        """Keys have one order, kept or not."""
        ready = ReadyConsistency.of([a_shown("order", order_key())])

        [component] = orjson.loads(ready.at("token", {AggregateType.ORDER: 1.0}))["components"]

        assert list(component) == ["path", "id", "source", "version", AGE, "reason"]
        assert component[AGE] == 1_000


def test_a_position_that_was_never_proven_is_no_floor() -> None:
    """A projection that is being built has shown nothing that could be owed."""
    building = SourcePosition("log-1", 0.0, is_caught_up=False, places={0: LogPlace(7, 1)})

    assert Sealing(cut=Cut(positions={"orders": building})).seal() is None
