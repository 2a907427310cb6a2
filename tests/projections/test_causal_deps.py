"""What orders carry of their writers: read from the wire, spelt for it, and never half read."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderRow
from projections.views.causal_deps import (
    MAX_CAUSAL_DEPS,
    parse_causal_deps,
    render_causal_deps,
)
from tests.builders.rows import customer_key, order_row, product_key

keys = st.builds(
    AggregateKey,
    st.sampled_from([AggregateType.CUSTOMER, AggregateType.PRODUCT]),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}", fullmatch=True),
)
versions = st.builds(Version, st.integers(0, 2**53 - 1), st.integers(1, 2**53 - 1))
seen_by_writers = st.dictionaries(keys, versions, max_size=MAX_CAUSAL_DEPS)


def json_of(row: OrderRow, **members: object) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(row), **members})


@given(seen_by_writers)
def test_what_is_spelt_is_read_as_it_was_meant(seen: dict[AggregateKey, Version]) -> None:
    """Every version of every customer and product survives the wire, in a row and its JSON too."""
    spelt = render_causal_deps(seen)

    row = order_row(causal_deps=spelt)

    assert list(spelt) == sorted(spelt)
    assert msgspec.json.decode(msgspec.json.encode(row), type=OrderRow) == row
    assert row.depends_on == seen


@given(st.lists(st.text(max_size=20) | st.from_regex(r"product:p-1@[0-9]+\.[0-9]+"), max_size=3))
def test_whatever_is_read_is_spelt_so(deps: list[str]) -> None:
    """No text is read as a version that would be spelt otherwise: one meaning has one spelling."""
    try:
        seen = parse_causal_deps(deps)
    except ValueError:
        return

    assert set(render_causal_deps(seen)) <= set(deps)


def test_of_two_versions_of_one_aggregate_the_greater_one_counts() -> None:
    """A list that names an aggregate twice demands no less than either; the epoch dominates."""
    row = order_row(causal_deps=("product:p-1@1.10", "product:p-1@1.9", "product:p-1@0.99"))

    assert row.depends_on == {product_key(): Version(1, 10)}


def test_order_of_a_service_that_keeps_none_depends_on_nothing() -> None:
    """Without the member the row is the one with an empty list."""
    state: dict[str, object] = msgspec.to_builtins(order_row())
    del state["causalDeps"]

    row = msgspec.json.decode(msgspec.json.encode(state), type=OrderRow)

    assert row == order_row()
    assert row.depends_on == {}


@pytest.mark.parametrize(
    "deps",
    [
        "customer:c-1@1.3",
        [None],
        [""],
        ["customer:c-1@1.3", "customer:c-2"],
        ["order:o-1@1.3"],
        ["customer:c-1@1.0"],
        ["customer:c-1@1.03"],
        ["customer:c-1@1.3\n"],
        [f"customer:c-1@1.{2**53}"],
        [f"customer:c-1@{2**53}.1"],
        ["customer:c-1@٣.١"],
        [f"product:p-{number}@1.1" for number in range(MAX_CAUSAL_DEPS + 1)],
    ],
    ids=lambda deps: repr(deps)[:32],
)
def test_order_whose_dependencies_cannot_be_read_cannot_be_read(deps: object) -> None:
    """An order shown without what it depends on would break its writer's promise unseen."""
    damaged = json_of(order_row(), causalDeps=deps)

    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(damaged, type=OrderRow)


def test_order_of_the_longest_list_is_read() -> None:
    """A customer and fifty products are read."""
    products = {product_key(f"p-{number}"): Version(1, 1) for number in range(50)}
    seen = {customer_key(): Version(1, 3), **products}

    assert order_row(causal_deps=render_causal_deps(seen)).depends_on == seen
