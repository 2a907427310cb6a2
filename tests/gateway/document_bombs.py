"""Documents made to be dear: each as long as a thousand tokens let it be, or longer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from graphql import GraphQLError, parse

from gateway.admission.limits import DocumentLimits, first_excess

TOKEN_LIMIT: Final = 1_000


def _side_by_side(count: int, body: str) -> str:
    spreads = " ".join(f"...F{n}" for n in range(count))
    fragments = " ".join(f"fragment F{n} on Order {{ {body} }}" for n in range(count))
    return f'{{ order(id: "1") {{ {spreads} }} }} {fragments}'


def _chain(count: int, body: str) -> str:
    links = " ".join(
        f"fragment F{n} on Order {{ {body.format(next=f'...F{n + 1}')} }}" for n in range(count)
    )
    return f'{{ order(id: "1") {{ ...F0 }} }} {links} fragment F{count} on Order {{ id }}'


def _mesh(count: int, *, is_circular: bool) -> str:
    links = " ".join(
        f"fragment F{n} on Order {{ id "
        + " ".join(f"...F{m}" for m in range(0 if is_circular else n + 1, count))
        + " }"
        for n in range(count)
    )
    return f'{{ order(id: "1") {{ ...F0 }} }} {links}'


def _each(count: int, text: str) -> str:
    return " ".join(text.replace("#", str(n)) for n in range(count))


Bomb = Callable[[int], str]

BOMBS: Final[Mapping[str, Bomb]] = {
    "conflicting arguments": lambda n: "{ " + _each(n, 'order(id: "#") { id }') + " }",
    "conflicting fields": lambda n: '{ order(id: "1") { ' + "x: id x: note " * n + "} }",
    "plain repeats": lambda n: '{ order(id: "1") { ' + "id " * n + "} }",
    "nested repeats": lambda n: "{ " + 'order(id: "1") { customer { id } } ' * n + "}",
    "fragments side by side": lambda n: _side_by_side(n, "id"),
    "nested fragments side by side": lambda n: _side_by_side(n, "customer { id }"),
    "fragment chain": lambda n: _chain(n, "id {next}"),
    "doubling fragments": lambda n: _chain(n, "{next} {next}"),
    "doubling below fields": lambda n: _chain(n, "customer {{ id }} {next} {next}"),
    "fragment mesh": lambda n: _mesh(n, is_circular=False),
    "circular fragment mesh": lambda n: _mesh(n, is_circular=True),
    "unused fragments": lambda n: (
        "{ __typename } " + _each(n, "fragment F# on Query { __typename }")
    ),
    "many operations": lambda n: _each(n, "query Q# { __typename }"),
    "operations times fragments": lambda n: (
        _each(n, "query Q# { ...F0 }")
        + _each(n, " fragment F# on Query { product(id: $v#) { id } }")
    ),
    "aliases": lambda n: "{ " + _each(n, "a#: __typename") + " }",
    "root fields": lambda n: "{ " + _each(n, 'a#: product(id: "#") { id }') + " }",
    "directives": lambda n: "{ __typename " + "@include(if: true) " * n + "}",
    "unknown directives": lambda n: "{ __typename " + "@a " * n + "}",
    "unknown fields": lambda n: "{ " + _each(n, "orde#") + " }",
    "unknown arguments": lambda n: "{ order(" + _each(n, "i#: 1") + ") { id } }",
    "unknown types": lambda n: "query (" + _each(n, "$v#: Ordes") + ") { __typename }",
    "variables nobody uses": lambda n: "query (" + _each(n, "$v#: ID") + ") { __typename }",
    "one variable, again and again": lambda n: "query (" + "$v: ID " * n + ") { __typename }",
    "undefined variables": lambda n: "{ order(" + _each(n, "a#: $v#") + ") { id } }",
    "deep lists": lambda n: "{ order(id: " + "[" * n + "]" * n + ") { id } }",
    "long list": lambda n: "{ order(id: [" + "1 " * n + "]) { id } }",
    "wide object": lambda n: '{ order(id: "a", consistency: {' + _each(n, "a#: 1") + "}) { id } }",
    "one key, again and again": lambda n: (
        '{ order(id: "a", consistency: {' + "live: 1 " * n + "}) { id } }"
    ),
    "deep objects": lambda n: (
        '{ order(id: "a", consistency: ' + "{live: " * n + "1" + "}" * n + ") { id } }"
    ),
    "inline fragments": lambda n: "{ " + "... { " * n + "__typename" + " }" * n + " }",
    "inline fragments side by side": lambda n: "{ " + "... { __typename } " * n + "}",
    "introspection": lambda n: (
        "{ __schema { types { fields { type { " + "ofType { " * n + "name" + " }" * n + " } } } } }"
    ),
    "introspection in circles": lambda n: (
        "{ __schema { " + "types { fields { type { " * n + "name" + " } } }" * n + " } }"
    ),
    "items": lambda n: (
        "mutation { placeOrder(input: {customerId: 1, items: ["
        + "{productId: 1, quantity: 1} " * n
        + "]}) { order { id } } }"
    ),
    "pages in pages": lambda n: (
        '{ customer(id: "1") { '
        + "orders(first: 100) { edges { node { customer { " * n
        + "id"
        + " } } } }" * n
        + " } }"
    ),
}
"""By name: the document of so many parts."""

HUGE: Final[Mapping[str, str]] = {
    "100,000 levels": "{ a " * 100_000 + "}" * 100_000,
    "20,000 levels in little text": "{a" * 20_000 + "}" * 20_000,
    "100,000 lists": "{ a(b: " + "[" * 100_000 + ") }",
    "a huge number": '{ orders(customerId: "1", first: ' + "9" * 100_000 + ") { pageInfo { x } } }",
    "a huge text": '{ order(id: "' + "x" * 130_000 + '") { nothing } }',
    "a huge block text": '{ order(id: """' + " x\n" * 40_000 + '""") { nothing } }',
    "a huge name": "{ " + "x" * 130_000 + " }",
    "beyond the basic plane": '{ order(id: "' + "\N{PILE OF POO}" * 60_000 + '") { nothing } }',
    "half a character": '{ order(id: "\ud83d") { nothing } }',
    "escapes": '{ order(id: "' + "\\u{1F4A9}" * 14_000 + '") { nothing } }',
    "commas": "{ __typename " + "," * 130_000 + " nothing }",
    "a comment": "#" + "x" * 130_000 + "\n{ nothing }",
    "more than is read": "{ __typename }" + " " * 200_000,
    "NUL": "{ \0 }",
}
"""Not made of parts."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """A bomb as large as it can be: ``whole`` in tokens, ``spared`` within the limits as well."""

    whole: str
    spared: str


@cache
def fitting(name: str, limits: DocumentLimits) -> Fitting:
    """The largest bomb of that name that is parsed at all, and that validation gets to see."""
    bomb = BOMBS[name]
    whole = _largest(bomb, _is_parsed)
    return Fitting(whole, _largest(bomb, lambda text: _is_spared(text, limits)))


def _largest(bomb: Bomb, is_fine: Callable[[str], bool]) -> str:
    """By bisection: who has more parts is no better."""
    fine, more = 0, 512
    while more - fine > 1:
        middle = (fine + more) // 2
        fine, more = (middle, more) if is_fine(bomb(middle)) else (fine, middle)
    return bomb(fine) if fine else "{ __typename }"


def _is_spared(text: str, limits: DocumentLimits) -> bool:
    return _is_parsed(text) and first_excess(parse(text), limits) is None


def _is_parsed(text: str) -> bool:
    try:
        parse(text, max_tokens=TOKEN_LIMIT)
    except GraphQLError:
        return False
    return True
