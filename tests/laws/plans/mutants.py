"""Mistakes that whoever writes plans might make, seeded on purpose: the law must see each.

Every one is a patch of a line or two of `gateway.execution`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from graphql import located_error

from gateway.execution import arguments, asking, collecting, executor, generating
from gateway.execution.document import Document
from gateway.execution.generating import Generator
from gateway.execution.rendering import Place, Rendition
from resolvers.answer import Absent
from resolvers.tokens import TokenDesk

Seed = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, and how it is made."""

    name: str
    seed: Seed


def _paths_without_indexes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Place, "path", lambda place, _: [key for key in place.keys if key is not None])


def _indexes_from_the_inside_out(patch: pytest.MonkeyPatch) -> None:
    path = Place.path
    patch.setattr(Place, "path", lambda place, at: path(place, at[::-1]))


def _fields_sorted(patch: pytest.MonkeyPatch) -> None:
    written = generating._dict
    patch.setattr(generating, "_dict", lambda entries: written(sorted(entries)))


def _aliases_ignored(patch: pytest.MonkeyPatch) -> None:
    def entries(writer: Any, field: Any, keys: Any, x: str) -> str:
        return generating._dict((each.name, writer._entry(each, keys, x)) for each in field.fields)

    patch.setattr(Generator, "_entries", entries)


def _nulls_let_through(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(generating, "odd", lambda: None)


def _numbers_of_any_size(patch: pytest.MonkeyPatch) -> None:
    of = {**generating.MEANT_BY_THEMSELVES, "Int": "int"}
    patch.setattr(generating, "MEANT_BY_THEMSELVES", of)


def _any_class_of_text(patch: pytest.MonkeyPatch) -> None:
    of = {**generating.MEANT_BY_THEMSELVES, "String": "v.__class__ and v is not None"}
    patch.setattr(generating, "MEANT_BY_THEMSELVES", of)


def _the_first_page_for_all(patch: pytest.MonkeyPatch) -> None:
    class Pages(tuple[Any, ...]):
        __slots__ = ()

        def index(self, *_: object) -> int:
            return 0

    made = Generator.__init__
    patch.setattr(Generator, "__init__", lambda writer, pages: made(writer, Pages(pages)))


def _only_the_first_of_merged_fields(patch: pytest.MonkeyPatch) -> None:
    def fail(rendition: Any, place: Place, at: Any, error: Exception) -> None:
        located = located_error(error, [place.nodes[0]], place.path(at))
        rendition._errors.append(located)

    patch.setattr(Rendition, "_fail", fail)


def _absence_not_told(patch: pytest.MonkeyPatch) -> None:
    rowless = Rendition.rowless

    def silent(rendition: Any, place: Any, at: Any, part: Any, key: Any) -> None:
        if not isinstance(part, Absent):
            rowless(rendition, place, at, part, key)

    patch.setattr(Rendition, "rowless", silent)


def _pages_told_at_their_edges(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Place, "told_above", property(lambda place: place.told))


def _cursors_without_what_was_seen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rendition, "_seen_of", lambda *_: None)


def _conditions_that_always_hold(patch: pytest.MonkeyPatch) -> None:
    collected = collecting._Collector.__init__

    def init(collector: Any, schema: Any, document: Any, operation: Any, conditions: Any) -> None:
        collected(collector, schema, document, operation, dict.fromkeys(conditions, True))

    patch.setattr(collecting._Collector, "__init__", init)


def _one_plan_whatever_the_conditions(patch: pytest.MonkeyPatch) -> None:
    class Alike(tuple[object, ...]):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

    key = "gateway.execution.document.tuple"
    patch.setattr(key, Alike, raising=False)


def _any_value_taken_as_it_is(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(arguments, "PLAIN", dict.fromkeys(arguments.PLAIN, lambda _: True))


def _products_never_asked_for(patch: pytest.MonkeyPatch) -> None:
    below = asking.below
    patch.setattr(asking, "below", lambda at, of: [] if of == "product" else below(at, of))


def _cursors_that_demand_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(asking, "merge", lambda seen, _: seen)


def _expired_cursors_counted_once(patch: pytest.MonkeyPatch) -> None:
    def forget(desk: TokenDesk, expired_count: int) -> None:
        desk.expired_count = expired_count

    patch.setattr(TokenDesk, "forget_seen", forget)


def _expired_cursors_counted_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TokenDesk, "forget_seen", lambda desk, _: desk._seen.clear())


def _demands_not_taken_back(patch: pytest.MonkeyPatch) -> None:
    undone = executor._Planned.undone

    def keeping(planned: Any) -> Any:
        token = planned._context.report.token
        context = undone(planned)
        planned._context.report.token = token
        return context

    patch.setattr(executor._Planned, "undone", keeping)


def _the_first_operation_for_all(patch: pytest.MonkeyPatch) -> None:
    operation = Document.operation

    def first(document: Document, name: str | None) -> Any:
        found = operation(document, name)
        return found and operation(document, "Op0" if name == "Op1" else name)

    patch.setattr(Document, "operation", first)


MUTANTS: Final = tuple(
    Mutant(seed.__name__.removeprefix("_").replace("_", " "), seed)
    for seed in (
        _paths_without_indexes,
        _indexes_from_the_inside_out,
        _fields_sorted,
        _aliases_ignored,
        _nulls_let_through,
        _numbers_of_any_size,
        _any_class_of_text,
        _the_first_page_for_all,
        _only_the_first_of_merged_fields,
        _absence_not_told,
        _pages_told_at_their_edges,
        _cursors_without_what_was_seen,
        _conditions_that_always_hold,
        _one_plan_whatever_the_conditions,
        _any_value_taken_as_it_is,
        _products_never_asked_for,
        _cursors_that_demand_nothing,
        _expired_cursors_counted_once,
        _expired_cursors_counted_twice,
        _demands_not_taken_back,
        _the_first_operation_for_all,
    )
)
