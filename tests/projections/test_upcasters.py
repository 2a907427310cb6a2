"""The chain that makes old events new: (type, n) → n + 1, a step at a time."""

import msgspec
import pytest
from msgspec import Raw

from projections import upcasters
from projections.events import PoisonEvent, StateChange, parse_event
from projections.upcasters import CURRENT_VERSIONS, upcast
from projections.versions import AggregateType
from tests.builders.rows import cloud_event, customer_row, product_row, to_bytes

State = dict[str, object]


def state_of(raw: Raw) -> State:
    state: State = msgspec.json.decode(raw)
    return state


def raw_of(state: State) -> Raw:
    return Raw(msgspec.json.encode(state))


def join_names(raw: Raw) -> Raw:
    """Version 2 of a customer: one name instead of two."""
    state = state_of(raw)
    name = f"{state.pop('first')} {state.pop('last')}"
    return raw_of({"fullName": name, **state})


def shorten_name(raw: Raw) -> Raw:
    """Version 3 of a customer: it is simply called name."""
    state = state_of(raw)
    return raw_of({"name": state.pop("fullName"), **state})


@pytest.fixture
def _customers_at_version_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CURRENT_VERSIONS, AggregateType.CUSTOMER, 3)
    monkeypatch.setitem(upcasters.STEPS, (AggregateType.CUSTOMER, 1), join_names)
    monkeypatch.setitem(upcasters.STEPS, (AggregateType.CUSTOMER, 2), shorten_name)


CUSTOMER_IN_VERSION = {
    1: {"id": "c-1", "first": "Ada", "last": "Abel", "email": "ada@example.com"},
    2: {"id": "c-1", "fullName": "Ada Abel", "email": "ada@example.com"},
    3: {"id": "c-1", "name": "Ada Abel", "email": "ada@example.com"},
}


@pytest.mark.usefixtures("_customers_at_version_3")
class TestChain:
    @pytest.mark.parametrize("schema_version", [1, 2, 3])
    def test_every_old_version_reads_like_the_newest(self, schema_version: int) -> None:
        """The steps from any version lead to the same row."""
        data = {**CUSTOMER_IN_VERSION[schema_version], "version": 1, "epoch": 1}
        event = cloud_event(customer_row(), data=data, schemaversion=schema_version)

        change = parse_event(to_bytes(event))

        assert isinstance(change, StateChange)
        assert change.row == customer_row(name="Ada Abel")

    def test_version_is_counted_for_each_type(self) -> None:
        """A step of customers says nothing of products, whose future stays refused."""
        ours = parse_event(to_bytes(cloud_event(product_row(), schemaversion=1)))
        unknown = parse_event(to_bytes(cloud_event(product_row(), schemaversion=3)))

        assert isinstance(ours, StateChange)
        assert isinstance(unknown, PoisonEvent)

    def test_state_that_a_step_cannot_read_is_poison(self) -> None:
        """An old event that lacks what a step needs is set aside like any other broken one."""
        event = cloud_event(customer_row(), data={"id": "c-1"}, schemaversion=1)

        assert isinstance(parse_event(to_bytes(event)), PoisonEvent)

    def test_missing_step_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A chain with a hole skips no version."""
        monkeypatch.delitem(upcasters.STEPS, (AggregateType.CUSTOMER, 2))

        with pytest.raises(LookupError):
            upcast(AggregateType.CUSTOMER, 1, raw_of(dict(CUSTOMER_IN_VERSION[1])))


@pytest.mark.parametrize("aggregate_type", AggregateType)
class TestToday:
    def test_current_version_passes_unchanged(self, aggregate_type: AggregateType) -> None:
        """A state that is current already is not touched."""
        state = Raw(b'{"any": "thing"}')

        assert upcast(aggregate_type, CURRENT_VERSIONS[aggregate_type], state) is state

    def test_version_from_the_future_is_refused(self, aggregate_type: AggregateType) -> None:
        """Nobody guesses at a shape that is not known yet."""
        with pytest.raises(LookupError, match="newer"):
            upcast(aggregate_type, CURRENT_VERSIONS[aggregate_type] + 1, Raw(b"{}"))

    def test_every_old_version_has_its_step(self, aggregate_type: AggregateType) -> None:
        """From each version ever published a chain leads to the newest."""
        steps = {version for owner, version in upcasters.STEPS if owner is aggregate_type}

        assert steps == set(range(1, CURRENT_VERSIONS[aggregate_type]))
