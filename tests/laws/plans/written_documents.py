"""Documents that nobody would write, but anybody may send: valid ones, as odd as chance makes them.

Fields repeat and merge, wear the names of others, hide in fragments of fragments; conditions and
arguments are literals, variables and defaults. The same random numbers write the same document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from graphql import GraphQLObjectType, GraphQLOutputType, get_named_type, is_object_type

from gateway.execution.graphql_schema import graphql_schema_of
from resolvers.schema import build_schema
from tests.laws.plans.written_arguments import CONDITIONS, ArgumentWriter

SCHEMA = build_schema()
CORE = graphql_schema_of(SCHEMA)

ALIASES = ("x", "y", "id", "name", "total", "customer", "items", "orders", "node", "edges", "_")
MAX_DEPTH = 9
MAX_LISTS = 2
"""Lists of orders within each other: what is in them is multiplied."""


@dataclass(slots=True)
class Uses:
    """What a part of a document needs: variables with the types they are used at, fragments."""

    variables: dict[str, str] = field(default_factory=dict)
    fragments: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment that is written. ``list_count``: lists within each other in it."""

    name: str
    on: str
    text: str
    uses: Uses
    list_count: int


@dataclass(frozen=True, slots=True)
class Written:
    """A document, and how its operations are named."""

    text: str
    operation_names: tuple[str | None, ...]


class DocumentWriter:
    """Writes one document. ``is_sane``: all its literals are good."""

    def __init__(self, random: Random, *, is_sane: bool) -> None:
        self._random = random
        self._fragments: list[Fragment] = []
        self._keys: dict[tuple[str, str], tuple[str, str]] = {}
        self._argument_texts: dict[tuple[str, str], list[tuple[str, dict[str, str]]]] = {}
        self._arguments = ArgumentWriter(random, is_sane=is_sane)
        self._fragment_count = 0
        self._left = random.choice((4, 8, 16, 24, 48))

    def write(self) -> Written:
        """The whole text."""
        count = self._random.choice((1, 1, 1, 1, 2, 3))
        operations = [self._operation_body() for _ in range(count)]
        is_anonymous = count == 1 and self._random.random() < 0.4
        names = [None] if is_anonymous else [f"Op{number}" for number in range(count)]
        texts = [
            self._operation(name, body, uses)
            for name, (body, uses) in zip(names, operations, strict=True)
        ]
        if count == 3:
            texts.append("mutation Other { __typename }")
        texts += [fragment.text for fragment in self._fragments]
        self._random.shuffle(texts)
        return Written("\n".join(texts), tuple(names))

    def _operation_body(self) -> tuple[str, Uses]:
        uses = Uses()
        root = CORE.query_type
        assert root is not None
        return self._selections(root, 0, MAX_LISTS, uses), uses

    def _operation(self, name: str | None, body: str, uses: Uses) -> str:
        variables = dict(uses.variables)
        for fragment in self._closure(uses.fragments):
            variables.update(fragment.uses.variables)
        definitions = [
            f"${variable}: {self._arguments.definition(at)}"
            for variable, at in sorted(variables.items())
        ]
        defined = f"({', '.join(definitions)})" if definitions else ""
        if name is None and not defined and self._random.random() < 0.5:
            return body
        return f"query {name or ''}{defined} {body}"

    def _closure(self, names: set[str]) -> Iterator[Fragment]:
        by_name = {fragment.name: fragment for fragment in self._fragments}
        seen: set[str] = set()
        left = list(names)
        while left:
            name = left.pop()
            if name not in seen:
                seen.add(name)
                yield by_name[name]
                left += by_name[name].uses.fragments

    def _selections(self, of: GraphQLObjectType, depth: int, lists: int, uses: Uses) -> str:
        count = self._random.choice((1, 2, 2, 3, 4)) if self._left > 0 else 1
        selections = [self._selection(of, depth, lists, uses) for _ in range(count)]
        return "{ " + " ".join(selections) + " }"

    def _selection(self, of: GraphQLObjectType, depth: int, lists: int, uses: Uses) -> str:
        self._left -= 1
        dice = self._random.random()
        if dice < 0.07:
            return self._typename(of) + self._conditions(uses)
        if dice < 0.17 and self._left > 0:
            on = self._random.choice((f" on {of.name}", ""))
            conditions = self._conditions(uses)
            return f"...{on}{conditions} {self._selections(of, depth + 1, lists, uses)}"
        if dice < 0.27 and self._left > 0:
            return self._spread(of, depth, lists, uses) + self._conditions(uses)
        return self._field(of, depth, lists, uses)

    def _typename(self, of: GraphQLObjectType) -> str:
        key = self._key(of.name, "__typename", "")
        return "__typename" if key == "__typename" else f"{key}: __typename"

    def _field(self, of: GraphQLObjectType, depth: int, lists: int, uses: Uses) -> str:
        names = [name for name, at in of.fields.items() if self._fits(at.type, depth, lists)]
        if not names:
            return self._typename(of)
        name = self._random.choice(names)
        definition = of.fields[name]
        arguments, variables = self._arguments_of(of.name, name)
        uses.variables.update(variables)
        key = self._key(of.name, name, arguments)
        told = name if key == name and self._random.random() < 0.9 else f"{key}: {name}"
        below = get_named_type(definition.type)
        conditions = self._conditions(uses)
        if not isinstance(below, GraphQLObjectType):
            return f"{told}{arguments}{conditions}"
        left = lists - (below.name == "OrderConnection")
        return f"{told}{arguments}{conditions} {self._selections(below, depth + 1, left, uses)}"

    def _arguments_of(self, of: str, name: str) -> tuple[str, Mapping[str, str]]:
        """Some arguments, often the same as before: fields merge only with the same ones."""
        known = self._argument_texts.setdefault((of, name), [])
        if not known or self._random.random() < 0.5:
            owner = CORE.type_map[of]
            assert isinstance(owner, GraphQLObjectType)
            variables: dict[str, str] = {}
            known.append((self._arguments.write(owner.fields[name].args, variables), variables))
        return self._random.choice(known)

    def _key(self, of: str, name: str, arguments: str) -> str:
        """A response key: one key means one field, wherever two of this type may meet."""
        wanted = self._random.choice(ALIASES) if self._random.random() < 0.3 else name
        for key in (wanted, *(f"{wanted}{number}" for number in range(100))):
            if self._keys.setdefault((of, key), (name, arguments)) == (name, arguments):
                return key
        raise AssertionError("a hundred fields of the same name")

    def _conditions(self, uses: Uses) -> str:
        dice = self._random.random()
        if dice > 0.16:
            return ""
        if dice > 0.02:
            return self._condition(uses, self._random.choice(("skip", "include")))
        return self._condition(uses, "include") + self._condition(uses, "skip")

    def _condition(self, uses: Uses, directive: str) -> str:
        if self._random.random() < 0.3:
            return f" @{directive}(if: {self._random.choice(('true', 'false'))})"
        name = self._random.choice(CONDITIONS)
        uses.variables[name] = "condition"
        return f" @{directive}(if: ${name})"

    def _spread(self, of: GraphQLObjectType, depth: int, lists: int, uses: Uses) -> str:
        known = [each for each in self._fragments if each.on == of.name]
        fitting = [each for each in known if each.list_count <= lists]
        if fitting and self._random.random() < 0.5:
            name = self._random.choice(fitting).name
        else:
            name = self._new_fragment(of, depth, lists).name
        uses.fragments.add(name)
        return f"...{name}"

    def _new_fragment(self, of: GraphQLObjectType, depth: int, lists: int) -> Fragment:
        self._fragment_count += 1
        name, uses = f"F{self._fragment_count}", Uses()
        body = self._selections(of, depth + 1, lists, uses)
        text = f"fragment {name} on {of.name} {body}"
        self._fragments.append(Fragment(name, of.name, text, uses, lists))
        return self._fragments[-1]

    def _fits(self, at: GraphQLOutputType, depth: int, lists: int) -> bool:
        of = get_named_type(at)
        if not is_object_type(of):
            return True
        is_room_left = self._left > 0 or depth == 0
        return depth < MAX_DEPTH and is_room_left and (lists > 0 or of.name != "OrderConnection")


def written(random: Random, *, is_sane: bool) -> Written:
    """A document that these random numbers write."""
    return DocumentWriter(random, is_sane=is_sane).write()
