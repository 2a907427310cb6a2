"""No operation costs more than it was taken to, whatever the document and the world.

The witness knows nothing of bills: it runs the document over another schema of the same text, whose
fields make up their answers, and adds up the weights of the fields that are asked for them.
"""

from pathlib import Path
from random import Random
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    parse,
    validate,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission.bills import Bill
from gateway.admission.fragments import fragments_of
from gateway.execution.prices import Prices
from resolvers.costs import ITEMS_OF_AN_ORDER
from resolvers.pages import MAX_PAGE_SIZE
from tests.laws.plans.written_documents import CORE, DocumentWriter

WITNESS = build_schema(Path("schema.graphql").read_text(encoding="utf-8"))
PRICES = Prices(CORE)


class World:
    """Answers of chance. ``cost``: the weights of all fields that were asked."""

    def __init__(self, random: Random, *, longest_items: int = ITEMS_OF_AN_ORDER) -> None:
        self.cost = 0
        self._random = random
        self._longest_items = longest_items

    def answer(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        """The value of one field."""
        price = PRICES.by_field.get((info.parent_type.name, info.field_name))
        self.cost += 1 if price is None else price.weight
        if info.field_name == "orders":
            first = arguments.get("first")
            return {"size": MAX_PAGE_SIZE if first is None else max(0, min(first, MAX_PAGE_SIZE))}
        type_ = get_nullable_type(info.return_type)
        if is_list_type(type_):
            longest = source["size"] if info.field_name == "edges" else self._longest_items
            return [{}] * self._random.randint(0, longest)
        named = get_named_type(type_)
        if is_leaf_type(named):
            return next(iter(named.values)) if is_enum_type(named) else 1
        return {}


def cost_of(text: str, name: str | None, world: World) -> tuple[Bill, object] | None:
    """The bill of an operation, and its data in that world; None where it cannot be run."""
    document = parse(text)
    if validate(CORE, document):
        return None
    result = execute_sync(
        WITNESS,
        document,
        {},
        operation_name=name,
        field_resolver=world.answer,
        variable_values={},
    )
    operation = next(
        one
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode)
        and (name is None or (one.name is not None and one.name.value == name))
    )
    return PRICES.bill(operation, fragments_of(document)), result.data


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_nothing_costs_more_than_it_was_taken_to(random: Random) -> None:
    """The witness's cost, that of the answer's lists, and the estimate: none above the next."""
    written = DocumentWriter(random, is_sane=True).write()
    for name in written.operation_names:
        world = World(random)
        try:
            found = cost_of(written.text, name, world)
        except GraphQLError:
            continue
        if found is not None:
            bill, data = found
            assert world.cost <= bill.actual(data) or data is None
            assert bill.actual(data) <= bill.estimate({})


def test_the_law_sees_an_order_of_more_lines_than_assumed() -> None:
    """The control: where orders have fifty lines, an actual cost is above its estimate."""
    text = '{ order(id: "o") { items { quantity } } }'
    above = 0
    for seed in range(20):
        found = cost_of(text, None, World(Random(seed), longest_items=50))
        assert found is not None
        bill, data = found
        above += bill.actual(data) > bill.estimate({})

    assert above > 5
