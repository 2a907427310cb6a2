"""How often a document repeats itself, which is what makes validation slow.

Fields that share a response key are compared pair by pair, and pair by pair again below them: three
kilobytes of repeats take most of a second. Fragments that lie side by side repeat `id` for good
reasons, so plain fields may repeat far more often than fields with selections of their own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from gateway.admission.fragments import fragments_of

PLAIN_LIMIT = 100
"""Repeats of fields without selections in one document; 5,000 pairs, some 5 ms."""

NESTED_LIMIT = 20
"""Repeats of fields with selections; 200 pairs, each with all that lies below."""


class _Key(NamedTuple):
    name: str
    is_nested: bool


@dataclass(frozen=True, slots=True)
class Repeats:
    """Fields beyond the first of their response key, summed over a document's selections."""

    plain_count: int
    nested_count: int

    @property
    def is_too_many(self) -> bool:
        return self.plain_count > PLAIN_LIMIT or self.nested_count > NESTED_LIMIT


def count_repeats(document: DocumentNode) -> Repeats:
    """Count them in time linear in the document; each fragment is counted once and remembered."""
    counter = _Counter(document)
    repeats: Counter[bool] = Counter()
    for selections in counter.all_selections():
        for key, count in counter.keys_of(selections).items():
            repeats[key.is_nested] += count - 1
    return Repeats(repeats[False], repeats[True])


class _Counter:
    def __init__(self, document: DocumentNode) -> None:
        self._document = document
        self._fragments = fragments_of(document)
        self._keys_of_fragment: dict[str, Counter[_Key]] = {}

    def all_selections(self) -> Iterator[SelectionSetNode]:
        """Every selection set of the document that a field or a definition opens."""
        for definition in self._document.definitions:
            if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
                yield from _below(definition.selection_set)

    def keys_of(self, selections: SelectionSetNode) -> Counter[_Key]:
        """The response keys of a selection with those of its fragments, and how often each is."""
        keys: Counter[_Key] = Counter()
        for selection in selections.selections:
            match selection:
                case FieldNode(selection_set=below):
                    keys[_Key(_response_key(selection), below is not None)] += 1
                case InlineFragmentNode(selection_set=inside):
                    keys.update(self.keys_of(inside))
                case FragmentSpreadNode():
                    keys.update(self._keys_of(selection.name.value))
        return keys

    def _keys_of(self, name: str) -> Counter[_Key]:
        if name not in self._keys_of_fragment and name in self._fragments:
            self._keys_of_fragment[name] = Counter()  # a circle ends here
            self._keys_of_fragment[name] = self.keys_of(self._fragments[name].selection_set)
        return self._keys_of_fragment.get(name, Counter())


def _below(selections: SelectionSetNode) -> Iterator[SelectionSetNode]:
    yield selections
    for field in _fields(selections.selections):
        if field.selection_set is not None:
            yield from _below(field.selection_set)


def _fields(selections: Iterable[SelectionNode]) -> Iterator[FieldNode]:
    for selection in selections:
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from _fields(selection.selection_set.selections)


def _response_key(field: FieldNode) -> str:
    return (field.alias or field.name).value
