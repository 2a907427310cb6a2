"""Writes the code that turns completed answers into ``data``: one function for each place.

For `query ($id: ID!) { order(id: $id) { total customer { name } } }` it writes

    def customer_1(r, id, at):  # order.customer
        key = AggregateKey(CUSTOMER, id)
        part = r.parts[key]
        if part.__class__ is not Found:
            return r.rowless(customer_1_place, at, part, key)
        r.show('order.customer', part, key)
        row = part.row
        return {
            'name': (v if (v := row.name).__class__ is str else odd()),
        }

    def order_2(r, id, at):  # order
        key = AggregateKey(ORDER, id)
        part = r.parts[key]
        if part.__class__ is not Found:
            return r.rowless(order_2_place, at, part, key)
        r.show('order', part, key)
        row = part.row
        return {
            'total': (Decimal(v) if (v := row.total) is not None else odd()),
            'customer': customer_1(r, row.customer_id, at),
        }

    def data(roots):
        return {
            'order': order_2(roots[0], roots[0].root.id, ()),
        }

``r`` is a `Rendition`; ``at`` holds the positions in the lists around, which only an error needs. A
value that its type does not allow, or any other error, ends it: graphql-core does it again then.
What is shown once and again in a list, as a product of many orders, is made once (`made`).

Nothing of a document is code: its keys are written as literals, and names are those of the schema.
`bff explain --code` shows what is written for a query.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from graphql import (
    GraphQLEnumType,
    GraphQLScalarType,
    get_named_type,
    get_nullable_type,
    is_non_null_type,
)

from gateway.execution.arguments import MAX_INT
from gateway.execution.collecting import TYPENAME, Field, Unplannable
from gateway.execution.rendering import Keys, Place, Rendition, odd
from projections.selection import PageKey
from projections.versions import AggregateKey, AggregateType
from resolvers.answer import Found

Render = Callable[[Sequence[Rendition]], dict[str, object]]

COMPONENTS: Final = {of.value.capitalize(): of.name for of in AggregateType}
"""Types whose objects are rows of their own, and the names of their aggregate types."""

COPIED: Final = frozenset({("OrderItem", "lineTotal")})
"""Fields with a resolver, which copies them from the row all the same."""

AT_A_LIST: Final = None

MEANT_BY_THEMSELVES: Final = {
    "ID": "str",
    "String": "str",
    "Boolean": "bool",
    "Int": f"int and {-MAX_INT - 1} <= v <= {MAX_INT}",
}
"""By type, which values ``v`` are shown as they are; others are for graphql-core to judge."""


class Generator:
    """Writes the code of one operation. ``page_fields``: see `Asking`."""

    def __init__(self, page_fields: Sequence[Field]) -> None:
        self._page_fields = page_fields
        self._functions: list[str] = []
        self._names: dict[str, object] = {
            **{of.name: of for of in AggregateType},
            "AggregateKey": AggregateKey,
            "Found": Found,
            "PageKey": PageKey,
            "odd": odd,
        }

    def write(self, roots: Sequence[Field]) -> str:
        """The source of all functions. Raises `Unplannable` for a field nothing is known of."""
        read = [field for field in roots if field.name != TYPENAME]
        numbers = {field: number for number, field in enumerate(read)}
        entries = [(root.key, self._root(root, numbers.get(root))) for root in roots]
        self._function("data(roots):", f"return {_dict(entries)}")
        return "\n\n".join(self._functions)

    def load(self, source: str) -> Render:
        """The function ``data`` of that source."""
        names = dict(self._names)
        exec(compile(source, "<plan>", "exec"), names)  # noqa: S102 - our own, see above
        render: Render = names["data"]  # type: ignore[assignment]  # the last one written
        return render

    def _root(self, field: Field, number: int | None) -> str:
        r = f"roots[{number}]"
        match field.name:
            case "__typename":
                return repr(field.parent.name)
            case "orders":
                page_key = f"PageKey.of({r}.root.customer_id, {r}.root.page)"
                return f"{self._connection(field, (field.key,))}({r}, {page_key}, ())"
            case _:
                return f"{self._component(field, (field.key,))}({r}, {r}.root.id, ())"

    def _entry(self, field: Field, above: Keys, x: str) -> str:  # noqa: PLR0911 - a table
        """The value of a field of ``x``."""
        keys = (*above, field.key)
        match field.parent.name, field.name:
            case of, "__typename":
                return repr(of)
            case "Order", "customer":
                return f"{self._component(field, keys)}(r, {x}.customer_id, at)"
            case "Order", "items":
                item = self._item(field, (*keys, AT_A_LIST))
                return f"[{item}(r, item, (*at, n)) for n, item in enumerate({x}.items)]"
            case "OrderItem", "product":
                return f"{self._component(field, keys)}(r, {x}.product_id, at)"
            case "Customer", "orders":
                page = f"r.pages[{self._page_fields.index(field)}]"
                return f"{self._connection(field, keys)}(r, PageKey.of({x}.id, {page}), at)"
            case "OrderConnection", "edges":
                return f"{self._edges(field, keys)}(r, {x}, at)"
            case "OrderConnection", "pageInfo":
                return f"{self._page_info(field, keys)}(r, {x}, at)"
            case "OrderEdge", "cursor":
                return f"r.cursor(page, {x})"
            case "OrderEdge", "node":
                return f"{self._component(field, keys)}(r, {x}.id, at)"
            case _:
                return self._leaf(field, x)

    def _component(self, field: Field, keys: Keys) -> str:
        """A function for a row of its own, or null."""
        of = get_named_type(field.definition.type).name
        if of not in COMPONENTS:
            raise Unplannable(f"of {of} nothing is known")
        entries = self._entries(field, keys, "row")
        name = self._name(of)
        place = self._place(name, field, keys)
        look: tuple[str, ...] = ()
        shown = f"return {entries}"
        if AT_A_LIST in keys and not any(below.fields for below in field.fields):
            # What is shown of it again is the same: nothing below can be missing.
            look = f"made = r.made[{place.told!r}]", "if id in made:", "    return made[id]"
            shown = f"made[id] = shown = {entries}\nreturn shown"
        return self._function(
            f"{name}(r, id, at):  # {place.told}",
            *look,
            f"key = AggregateKey({COMPONENTS[of]}, id)",
            "part = r.parts[key]",
            "if part.__class__ is not Found:",
            f"    return r.rowless({name}_place, at, part, key)",
            f"r.show({place.told!r}, part, key)",
            "row = part.row",
            shown,
        )

    def _item(self, field: Field, keys: Keys) -> str:
        """A function for one line of an order."""
        entries = self._entries(field, keys, "item")
        # Where nothing of it is shown, it is looked at all the same: it may be none.
        looks = [] if "item." in entries else ["item.quantity"]
        return self._function(f"{self._name('item')}(r, item, at):", *looks, f"return {entries}")

    def _connection(self, field: Field, keys: Keys) -> str:
        """A function for a list of orders."""
        entries = self._entries(field, keys, "key")
        return self._function(f"{self._name('orders')}(r, key, at):", f"return {entries}")

    def _edges(self, field: Field, keys: Keys) -> str:
        """A function for the edges of a page, or null."""
        entries = self._entries(field, (*keys, AT_A_LIST), "listed_at")
        edge = self._function(f"{self._name('edge')}(r, page, listed_at, at):", f"return {entries}")
        name = self._name("edges")
        return self._function(
            f"{name}(r, key, at):",
            *self._found_page(name, field, keys),
            f"return [{edge}(r, page, listed_at, (*at, n))",
            "        for n, listed_at in enumerate(r.listed(page))]",
        )

    def _page_info(self, field: Field, keys: Keys) -> str:
        """A function for where a page begins and ends, or null."""
        entries = self._entries(field, keys, "ends")
        name = self._name("page_info")
        return self._function(
            f"{name}(r, key, at):",
            *self._found_page(name, field, keys),
            "ends = r.ends(key, page)",
            f"return {entries}",
        )

    def _found_page(self, name: str, field: Field, keys: Keys) -> tuple[str, ...]:
        """The lines that have the page, or return null."""
        self._place(name, field, keys)
        return (
            f"page = r.page({name}_place, at, key)",
            "if page is None:",
            "    return None",
        )

    def _leaf(self, field: Field, x: str) -> str:
        """A field that is copied from ``x``; of another, nothing is known."""
        plain = field.definition.extensions.get("strawberry-definition")
        is_copied = (field.parent.name, field.name) in COPIED
        if plain is None or not (plain.base_resolver is None or is_copied):
            raise Unplannable(f"of {field.parent.name}.{field.name} nothing is known")
        value = f"{x}.{plain.python_name}"
        of = get_nullable_type(field.definition.type)
        is_required = is_non_null_type(field.definition.type)
        if isinstance(of, GraphQLScalarType) and of.name in MEANT_BY_THEMSELVES:
            fits = MEANT_BY_THEMSELVES[of.name]
            or_null = "" if is_required else " or v is None"
            return f"(v if (v := {value}).__class__ is {fits}{or_null} else odd())"
        otherwise = "odd()" if is_required else "None"
        return f"({self._serialized(of)} if (v := {value}) is not None else {otherwise})"

    def _serialized(self, of: object) -> str:
        """A value ``v`` of this type as the answer has it."""
        match of:
            case GraphQLEnumType(name=name):
                self._names[name] = {value.value: told for told, value in of.values.items()}
                return f"{name}[v]"
            case GraphQLScalarType(name=name):
                self._names[name] = of.coerce_output_value
                return f"{name}(v)"
            case _:
                raise Unplannable(f"{of} is no leaf")

    def _entries(self, field: Field, keys: Keys, x: str) -> str:
        return _dict((below.key, self._entry(below, keys, x)) for below in field.fields)

    def _name(self, of: str) -> str:
        return f"{of.lower()}_{len(self._functions) + 1}"

    def _place(self, name: str, field: Field, keys: Keys) -> Place:
        place = self._names[f"{name}_place"] = Place(keys, field.nodes)
        return place

    def _function(self, head: str, *lines: str) -> str:
        """Add a function; its name."""
        body = "\n".join(lines).replace("\n", "\n    ")
        self._functions.append(f"def {head}\n    {body}")
        return head.partition("(")[0]


def _dict(entries: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"    {key!r}: {value},\n" for key, value in entries)
    return f"{{\n{lines}}}"
