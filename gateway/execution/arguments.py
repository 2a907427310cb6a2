"""Variables and arguments, ready to be read at every request.

What the document says is read once. What a variable brings is taken as it is where its type and its
value are plain, and through graphql-core's own coercion where they are not: nothing here decides
what is wrong with a value.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import strawberry
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from gateway.execution.collecting import Field

Arguments = Mapping[str, object]
"""By the names that resolvers know them by; what was not given is not in it."""

MAX_INT: Final = 2**31 - 1


class Unproven(Exception):
    """This request is left to graphql-core: something about it is not plain."""


PLAIN: Final[Mapping[str, Callable[[object], bool]]] = {
    "ID": lambda value: type(value) is str,
    "String": lambda value: type(value) is str,
    "Int": lambda value: type(value) is int and -MAX_INT - 1 <= value <= MAX_INT,
    "Boolean": lambda value: type(value) is bool,
}
"""By type, which values mean themselves."""


@dataclass(frozen=True, slots=True)
class _PlainVariable:
    """A variable of a plain type, without a default."""

    name: str
    is_plain: Callable[[object], bool]
    is_required: bool


class Variables:
    """The variables of one operation. ``are_looked_into``: see `ArgumentReader`."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        plain = [_plain(definition) for definition in self._definitions]
        self._plain = [variable for variable in plain if variable is not None]
        self._are_plain = len(self._plain) == len(plain)

    def coerced(self, given: Mapping[str, object], *, are_looked_into: bool) -> VariableValues:
        """Their values; raises `Unproven` where graphql-core has something against them."""
        values = None if are_looked_into else self.taken(given)
        if values is not None:
            return VariableValues({}, values)
        coerced = get_variable_values(self._schema, self._definitions, dict(given), max_errors=1)
        if isinstance(coerced, list):
            raise Unproven
        return coerced

    def taken(self, given: Mapping[str, object]) -> dict[str, object] | None:
        """The values as they are given; None where one of them does not mean itself."""
        if not self._are_plain:
            return None
        values: dict[str, object] = {}
        for variable in self._plain:
            value = given.get(variable.name)
            if value is not None and variable.is_plain(value):
                values[variable.name] = value
            elif value is not None or variable.is_required:
                return None
            elif variable.name in given:
                values[variable.name] = None
        return values


@dataclass(frozen=True, slots=True)
class _PassedArgument:
    """An argument that is a variable and nothing more. ``default`` holds its default, if any."""

    python_name: str
    variable: str
    is_required: bool
    default: Arguments


class ArgumentReader:
    """The arguments of one field.

    ``looks_into_variables``: a variable is a part of an argument here, or no leaf. Then more has to
    be known of the variables than their values.
    """

    def __init__(self, schema: strawberry.Schema, field: Field) -> None:
        self._schema = schema
        self._node = field.nodes[0]
        self._type = field.definition.type
        self._args = field.definition.args
        self._field: StrawberryField = field.definition.extensions["strawberry-definition"]
        nodes = {argument.name.value: argument.value for argument in self._node.arguments or ()}
        said = {name: of for name, of in self._args.items() if not self._is_passed(nodes, name)}
        self.looks_into_variables = any(
            _has_variable(node) for name, node in nodes.items() if name in said
        )
        self._said: Arguments = {}
        self._passed: tuple[_PassedArgument, ...] = ()
        if not self.looks_into_variables:
            self._said = self._values(self._node, said)
            self._passed = tuple(self._passed_in(nodes, said))

    def read(self, variables: VariableValues) -> Arguments:
        """Raises `Unproven` where graphql-core has something against them."""
        if self.looks_into_variables:
            return self._values(self._node, self._args, variables)
        if not self._passed:
            return self._said
        values = dict(self._said)
        for argument in self._passed:
            if argument.variable in variables.coerced:
                value = variables.coerced[argument.variable]
                if value is None and argument.is_required:
                    raise Unproven
                values[argument.python_name] = value
            elif argument.is_required:
                raise Unproven
            else:
                values.update(argument.default)
        return values

    def _is_passed(self, nodes: Mapping[str, ValueNode], name: str) -> bool:
        is_leaf = is_leaf_type(get_nullable_type(self._args[name].type))
        return is_leaf and isinstance(nodes.get(name), VariableNode)

    def _passed_in(
        self, nodes: Mapping[str, ValueNode], said: Mapping[str, GraphQLArgument]
    ) -> Iterator[_PassedArgument]:
        name_of = self._schema.config.name_converter.from_argument
        python_names = {
            name_of(argument): argument.python_name for argument in self._field.arguments
        }
        for name, node in nodes.items():
            if isinstance(node, VariableNode) and name not in said:
                definition = self._args[name]
                is_required = is_non_null_type(definition.type)
                nothing = FieldNode(name=self._node.name)
                default = {} if is_required else self._values(nothing, {name: definition})
                yield _PassedArgument(python_names[name], node.name.value, is_required, default)

    def _values(
        self,
        node: FieldNode,
        args: Mapping[str, GraphQLArgument],
        variables: VariableValues | None = None,
    ) -> Arguments:
        """What ``node`` says of ``args``, as resolvers are given it."""
        definition = GraphQLField(self._type, dict(args))
        try:
            values = get_argument_values(definition, node, variables)
        except GraphQLError as error:
            raise Unproven from error
        registry = self._schema.schema_converter.scalar_registry
        return convert_arguments(values, self._field.arguments, registry, self._schema.config)


def _plain(definition: VariableDefinitionNode) -> _PlainVariable | None:
    of = definition.type
    is_required = isinstance(of, NonNullTypeNode)
    inner = of.type if isinstance(of, NonNullTypeNode) else of
    is_plain = PLAIN.get(inner.name.value) if isinstance(inner, NamedTypeNode) else None
    if is_plain is None or definition.default_value is not None:
        return None
    return _PlainVariable(definition.variable.name.value, is_plain, is_required)


def _has_variable(node: ValueNode) -> bool:
    match node:
        case VariableNode():
            return True
        case ListValueNode(values=values):
            return any(map(_has_variable, values))
        case ObjectValueNode(fields=fields):
            return any(_has_variable(field.value) for field in fields)
        case _:
            return False
