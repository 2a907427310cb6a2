"""Bills of operations, by the prices that the schema tells with ``@cost`` and ``@listSize``."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Self

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)
from strawberry.types.field import StrawberryField

from gateway.admission.bills import Bill, Listed, Size, within
from resolvers.costs import SCHEMA_WEIGHT, Cost, ListSize

NO_SIZES: Final[Mapping[str, Size]] = {}


@dataclass(frozen=True, slots=True)
class Sizing:
    """How long a list is, as ``@listSize`` has it: its own, or those below it of these names."""

    assumed: int
    slicing_arguments: tuple[str, ...]
    sized_fields: tuple[str, ...]

    @classmethod
    def of(cls, told: ListSize) -> Self:
        return cls(
            told.assumed_size or 1,
            tuple(told.slicing_arguments or ()),
            tuple(told.sized_fields or ()),
        )


@dataclass(frozen=True, slots=True)
class Price:
    """What the schema says of one field."""

    weight: int = 1
    size: Sizing | None = None


INTROSPECTION: Final = {"__schema": Price(SCHEMA_WEIGHT), "__type": Price(SCHEMA_WEIGHT)}


@dataclass(frozen=True, eq=False)
class Prices:
    """The prices of one schema."""

    schema: GraphQLSchema

    @cached_property
    def by_field(self) -> Mapping[tuple[str, str], Price]:
        """Those of all fields that say anything, by type and name."""
        told = {
            (of.name, name): _price(one)
            for of in self.schema.type_map.values()
            if isinstance(of, GraphQLObjectType)
            for name, one in of.fields.items()
        }
        return {key: price for key, price in told.items() if price != Price()}

    def bill(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> Bill:
        """The bill of an operation of a valid document. Linear in its fields, expanded."""
        root = self.schema.get_root_type(operation.operation)
        return _Cashier(self, fragments, _defaults(operation)).bill(operation.selection_set, root)


@dataclass(frozen=True)
class _Cashier:
    prices: Prices
    fragments: Mapping[str, FragmentDefinitionNode]
    defaults: Mapping[str, object] = field(default_factory=dict)

    def bill(
        self,
        selections: SelectionSetNode | None,
        of: GraphQLNamedType | None,
        sizes: Mapping[str, Size] = NO_SIZES,
    ) -> Bill:
        """The bill of what is selected of a type; ``sizes`` of its lists, by field."""
        fixed, lists = 0, list[Listed]()
        for node, owner in self._fields(selections, of):
            part = self._field(node, owner, sizes)
            fixed += part.fixed
            lists += part.lists
        return Bill(fixed, tuple(lists))

    def _fields(
        self, selections: SelectionSetNode | None, of: GraphQLNamedType | None
    ) -> Iterator[tuple[FieldNode, GraphQLNamedType | None]]:
        for selection in () if selections is None else selections.selections:
            match selection:
                case FieldNode():
                    yield selection, of
                case InlineFragmentNode(type_condition=condition, selection_set=inside):
                    yield from self._fields(
                        inside, self._named(condition.name.value) if condition else of
                    )
                case FragmentSpreadNode(name=name):
                    fragment = self.fragments[name.value]
                    of_fragment = self._named(fragment.type_condition.name.value)
                    yield from self._fields(fragment.selection_set, of_fragment)

    def _field(
        self, node: FieldNode, owner: GraphQLNamedType | None, sizes: Mapping[str, Size]
    ) -> Bill:
        name = node.name.value
        defined = owner.fields.get(name) if isinstance(owner, GraphQLObjectType) else None
        price = self._price(owner, name)
        size = None if price.size is None else self._size(price.size, node, defined)
        own = sizes.get(name)
        below_sizes = NO_SIZES
        if price.size is not None and size is not None:
            if price.size.sized_fields:
                below_sizes = dict.fromkeys(price.size.sized_fields, size)
            else:
                own = size
        of_below = None if defined is None else get_named_type(defined.type)
        below = self.bill(node.selection_set, of_below, below_sizes)
        return _entry((node.alias or node.name).value, price.weight, own, below)

    def _price(self, owner: GraphQLNamedType | None, name: str) -> Price:
        if owner is None:
            return INTROSPECTION.get(name, Price())
        known = self.prices.by_field.get((owner.name, name))
        return known or INTROSPECTION.get(name) or Price()

    def _named(self, name: str) -> GraphQLNamedType | None:
        return self.prices.schema.get_type(name)

    def _size(self, told: Sizing, node: FieldNode, defined: GraphQLField | None) -> Size:
        for argument in node.arguments or ():
            if argument.name.value in told.slicing_arguments:
                return self._read(argument.value, told.assumed)
        for name in told.slicing_arguments:
            default = _default_of(defined, name)
            if isinstance(default, int):
                return Size(within(default, told.assumed))
        return Size(told.assumed)

    def _read(self, value: ValueNode, assumed: int) -> Size:
        match value:
            case IntValueNode(value=text) if len(text) < len(str(sys.maxsize)):
                return Size(within(int(text), assumed))
            case VariableNode(name=name):
                return Size(assumed, name.value, self.defaults.get(name.value))
            case _:
                return Size(assumed)


def _entry(key: str, weight: int, size: Size | None, below: Bill) -> Bill:
    """A field of this weight, with what is selected below it: of each element, if it is a list."""
    if size is not None:
        return Bill(weight, (Listed((key,), size, below),))
    lists = tuple(Listed((key, *one.path), one.size, one.each) for one in below.lists)
    return Bill(weight + below.fixed, lists)


def _price(one: GraphQLField) -> Price:
    told = one.extensions.get("strawberry-definition")
    directives = told.directives if isinstance(told, StrawberryField) else ()
    weights = [int(said.weight) for said in directives if isinstance(said, Cost)]
    sizes = [Sizing.of(said) for said in directives if isinstance(said, ListSize)]
    return Price(weights[0] if weights else 1, sizes[0] if sizes else None)


def _default_of(defined: GraphQLField | None, name: str) -> object:
    argument = None if defined is None else defined.args.get(name)
    return None if argument is None else argument.default_value


def _defaults(operation: OperationDefinitionNode) -> Mapping[str, object]:
    """Of variables that are numbers, what they are where they are not given."""
    return {
        one.variable.name.value: int(one.default_value.value)
        for one in operation.variable_definitions or ()
        if isinstance(one.default_value, IntValueNode)
        and len(one.default_value.value) < len(str(sys.maxsize))
    }
