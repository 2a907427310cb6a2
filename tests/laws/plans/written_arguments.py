"""Arguments as literals and variables, the values that variables are given, good ones and bad."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from graphql import (
    GraphQLArgument,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    OperationDefinitionNode,
    get_nullable_type,
    is_required_argument,
    print_ast,
)

from tests.laws.plans import desk

Inputs = Mapping[str, GraphQLArgument]

DEFINITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "condition": ("Boolean!", "Boolean!", "Boolean!", "Boolean! = true", "Boolean = false"),
    "ID!": ("ID!", "ID!", 'ID! = "o-1"', 'ID = "c-1"'),
    "Int": ("Int", "Int", "Int!", "Int = 2", "Int = null"),
    "Int!": ("Int!", "Int = 500"),
    "String": ("String", "String", "String!", f'String = "{desk.PLAIN_CURSORS[0]}"', 'String = ""'),
    "OrderStatus": ("OrderStatus", "OrderStatus!", "OrderStatus = SHIPPED", "OrderStatus = null"),
    "OnTimeout": ("OnTimeout", "OnTimeout!", "OnTimeout = STALE", "OnTimeout = null"),
    "Boolean": ("Boolean!", "Boolean! = true"),
    "Consistency": ("Consistency", "Consistency!", "Consistency = {live: true}"),
    "AtLeast": ("AtLeast!",),
    "Causal": ("Causal!", "Causal! = {}"),
    "Bounded": ("Bounded!", "Bounded! = {maxStalenessMs: 5}"),
    "[ConsistencyToken!]!": ("[ConsistencyToken!]!", "[ConsistencyToken!] = []"),
    "[ConsistencyToken!]": ("[ConsistencyToken!]", "[ConsistencyToken!]!"),
    "ConsistencyToken!": ("ConsistencyToken!", f'ConsistencyToken = "{desk.GOOD_TOKENS[1]}"'),
}
"""By the type of a place, how a variable may be defined that is used there."""

GOOD: Final[Mapping[str, tuple[object, ...]]] = {
    "ID": (*desk.ORDER_IDS, *desk.CUSTOMER_IDS, "p-1", "unknown"),
    "Int": (1, 2, 3, 100, None),
    "String": (*desk.GOOD_CURSORS, "", None),
    "Boolean": (True,),
    "OrderStatus": ("PLACED", "SHIPPED", None),
    "OnTimeout": ("LIVE", "STALE", "ERROR", None),
    "ConsistencyToken": (*desk.GOOD_TOKENS, *desk.EXPIRED_TOKENS),
}
BAD: Final[Mapping[str, tuple[object, ...]]] = {
    "ID": ("", "p/1", "x" * 65, 7, 2**31, 1.0, True, [], None),
    "Int": (0, -1, 101, 2**31, 2.0, 2.5, "2", True, [1]),
    "String": (*desk.BAD_CURSORS, 5, True, ["?"]),
    "Boolean": (False, 1, "true", None),
    "OrderStatus": ("GONE", "", 3, "placed"),
    "OnTimeout": ("NEVER", 0),
    "ConsistencyToken": (*desk.BAD_TOKENS, 5, None),
}
"""By type, values that it refuses, or that the gateway does; some are only strange."""

BAD_LITERALS: Final[Mapping[str, tuple[object, ...]]] = {
    "ID": ("", "p/1", 7),
    "Int": (0, -1, 101),
    "String": desk.BAD_CURSORS,
    "Boolean": (False,),
    "OrderStatus": (None,),
    "OnTimeout": (None,),
    "ConsistencyToken": desk.BAD_TOKENS,
}
"""Those that a document may hold, so that it is the gateway that refuses."""

CONDITIONS: Final = ("c1", "c2", "c3")
"""The variables of `@skip` and `@include`."""

ENUMS: Final = ("OrderStatus", "OnTimeout")


class ArgumentWriter:
    """Writes arguments. ``is_sane``: all its literals are good."""

    def __init__(self, random: Random, *, is_sane: bool) -> None:
        self._random = random
        self._is_sane = is_sane

    def write(self, arguments: Inputs, variables: dict[str, str]) -> str:
        """Some arguments of a field; the variables in them are noted by the type of their place."""
        said = []
        for name, argument in arguments.items():
            rate = 0.25 if name == "consistency" else 0.4
            if is_required_argument(argument) or self._random.random() < rate:
                said.append(f"{name}: {self._value(argument.type, variables)}")
        self._random.shuffle(said)
        return f"({', '.join(said)})" if said else ""

    def definition(self, place: str) -> str:
        """The type of a variable that is used at such a place, and its default if any."""
        return self._random.choice(DEFINITIONS[place])

    def _value(
        self, of: GraphQLInputType, variables: dict[str, str], *, is_one_of: bool = False
    ) -> str:
        place = str(of)
        if place in DEFINITIONS and self._random.random() < 0.35:
            return self._variable(place, variables, is_one_of=is_one_of)
        inner = get_nullable_type(of)
        match inner:
            case GraphQLList(of_type=item):
                count = self._random.choice((0, 1, 1, 2))
                return "[" + ", ".join(self._value(item, variables) for _ in range(count)) + "]"
            case GraphQLInputObjectType():
                return self._object(inner, variables)
        is_nullable = not (is_one_of or isinstance(of, GraphQLNonNull))
        return self._literal(inner.name, is_nullable=is_nullable)

    def _variable(self, place: str, variables: dict[str, str], *, is_one_of: bool) -> str:
        letters = place.lower().replace("[", "l_").replace("]", "").replace("!", "_n")
        name = f"{letters}{'_one' if is_one_of else ''}_{self._random.randrange(2)}"
        variables[name] = place
        return f"${name}"

    def _object(self, of: GraphQLInputObjectType, variables: dict[str, str]) -> str:
        if of.name == "Consistency":  # exactly one of its fields, as Strawberry sees to
            count = 1 if self._is_sane else self._random.choice((1, 1, 1, 1, 2, 0))
            chosen = self._random.sample(list(of.fields.items()), count)
            values = (
                f"{name}: {self._value(field.type, variables, is_one_of=True)}"
                for name, field in chosen
            )
            return "{" + ", ".join(values) + "}"
        said = []
        for name, field in of.fields.items():
            is_required = isinstance(field.type, GraphQLNonNull)
            if is_required or self._random.random() < 0.5:
                said.append(f"{name}: {self._value(field.type, variables)}")
        return "{" + ", ".join(said) + "}"

    def _literal(self, of: str, *, is_nullable: bool) -> str:
        is_bad = not self._is_sane and self._random.random() < 0.1
        values = (BAD_LITERALS if is_bad else GOOD)[of]
        value = self._random.choice([v for v in values if is_nullable or v is not None] or [None])
        return rendered(of, value)


def rendered(of: str, value: object) -> str:
    """A value as a document says it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str() if of not in ENUMS:
            return f'"{value}"'
        case _:
            return str(value)


def given(
    operation: OperationDefinitionNode, random: Random, *, is_sane: bool
) -> dict[str, object]:
    """Values for the variables of an operation, some left out, and one that it does not know."""
    values: dict[str, object] = {}
    for definition in operation.variable_definitions or ():
        of = print_ast(definition.type)
        may_lack = definition.default_value is not None or not of.endswith("!")
        if may_lack and random.random() < 0.3:
            continue
        if not is_sane and random.random() < 0.02:
            continue
        name = definition.variable.name.value
        values[name] = value_of(of, random, is_sane=is_sane)
        if name in CONDITIONS and values[name] is True:
            values[name] = random.random() < 0.5
    if random.random() < 0.1:
        values["unknown"] = [None]
    return values


def value_of(of: str, random: Random, *, is_sane: bool) -> object:
    """A value that a caller sends for a variable of this type."""
    is_bad = not is_sane and random.random() < 0.1
    if of.endswith("!"):
        value = value_of(of[:-1], random, is_sane=is_sane)
        return value if value is not None or is_bad else value_of(of, random, is_sane=is_sane)
    if of.startswith("["):
        count = random.choice((0, 1, 2))
        return [value_of(of[1:-1], random, is_sane=is_sane) for _ in range(count)]
    if of in OBJECTS:
        return OBJECTS[of](random) if not is_bad else random.choice(({}, {"nothing": 1}, 5, None))
    return random.choice((BAD if is_bad else GOOD)[of])


def _at_least(random: Random) -> dict[str, object]:
    value: dict[str, object] = {"tokens": [random.choice(desk.GOOD_TOKENS)]}
    if random.random() < 0.5:
        value["maxWaitMs"] = random.choice((0, 50, None))
    if random.random() < 0.5:
        value["onTimeout"] = random.choice(GOOD["OnTimeout"])
    return value


def _bounded(random: Random) -> dict[str, object]:
    return {"maxStalenessMs": random.choice((0, 500))}


def _consistency(random: Random) -> dict[str, object]:
    modes: tuple[dict[str, object], ...] = (
        {"eventual": True},
        {"live": True},
        {"atLeast": _at_least(random)},
        {"causal": _at_least(random)},
        {"bounded": _bounded(random)},
    )
    return random.choice(modes)


OBJECTS: Final[Mapping[str, Callable[[Random], dict[str, object]]]] = {
    "AtLeast": _at_least,
    "Causal": _at_least,
    "Bounded": _bounded,
    "Consistency": _consistency,
}
