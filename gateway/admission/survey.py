"""What a document is made of, counted in one pass before it is validated.

Each fragment is counted once and remembered, so the pass is linear in the document however often
fragments are spread; a depth rule without this memory takes minutes for a kilobyte of text. The
document need not be valid: what is unknown or circular counts nothing here and is refused later.
"""

from collections import Counter
from dataclasses import dataclass, field
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


class Key(NamedTuple):
    """Under which a field is answered, and whether it has selections of its own."""

    name: str
    is_nested: bool


@dataclass(slots=True)
class Part:
    """A selection with all that its fragments bring, which count as often as they are spread.

    ``width`` in fields side by side, ``depth`` in levels of them; ``keys`` of its first level.
    """

    width: int = 0
    depth: int = 0
    field_count: int = 0
    alias_count: int = 0
    directive_count: int = 0
    keys: Counter[Key] = field(default_factory=Counter)

    def add(self, other: "Part") -> None:
        """Lay ``other`` beside this one."""
        self.width += other.width
        self.keys.update(other.keys)
        self.add_below(other, levels=0)

    def add_below(self, other: "Part", *, levels: int = 1) -> None:
        """Hang ``other`` under a field of this one."""
        self.depth = max(self.depth, other.depth + levels)
        self.field_count += other.field_count
        self.alias_count += other.alias_count
        self.directive_count += other.directive_count


@dataclass(frozen=True, slots=True)
class Survey:
    """The counts of a document; each of the first five is that of its greatest operation.

    Repeats are fields beyond the first of their response key, in all selections of the document:
    validation compares those pair by pair, and pair by pair again below fields that have selections
    (``nested_repeat_count``).
    """

    depth: int
    root_count: int
    field_count: int
    alias_count: int
    directive_count: int
    operation_count: int
    plain_repeat_count: int
    nested_repeat_count: int


def survey_of(document: DocumentNode) -> Survey:
    """Count all of it, in time linear in the document."""
    surveyor = _Surveyor(document)
    operations = [
        surveyor.operation(one)
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode)
    ]
    for name in surveyor.fragments:
        surveyor.fragment(name)
    return Survey(
        depth=max((one.depth for one in operations), default=0),
        root_count=max((one.width for one in operations), default=0),
        field_count=max((one.field_count for one in operations), default=0),
        alias_count=max((one.alias_count for one in operations), default=0),
        directive_count=max((one.directive_count for one in operations), default=0),
        operation_count=len(operations),
        plain_repeat_count=surveyor.repeats[False],
        nested_repeat_count=surveyor.repeats[True],
    )


class _Surveyor:
    def __init__(self, document: DocumentNode) -> None:
        self.fragments = fragments_of(document)
        self.repeats: Counter[bool] = Counter()
        self._parts: dict[str, Part] = {}

    def operation(self, operation: OperationDefinitionNode) -> Part:
        part = self._opened(operation.selection_set)
        part.directive_count += len(operation.directives or ())
        for variable in operation.variable_definitions or ():
            part.directive_count += len(variable.directives or ())
        return part

    def fragment(self, name: str) -> Part:
        """What a fragment brings wherever it is spread."""
        known = self._parts.get(name)
        if known is not None:
            return known
        definition: FragmentDefinitionNode | None = self.fragments.get(name)
        if definition is None:
            return Part()
        self._parts[name] = Part()  # a circle ends here
        part = self._opened(definition.selection_set)
        part.directive_count += len(definition.directives or ())
        self._parts[name] = part
        return part

    def _opened(self, selections: SelectionSetNode) -> Part:
        """A selection that a field or a definition opens: there its repeats are counted."""
        part = self._part(selections)
        for key, count in part.keys.items():
            self.repeats[key.is_nested] += count - 1
        return part

    def _part(self, selections: SelectionSetNode) -> Part:
        part = Part()
        for selection in selections.selections:
            part.directive_count += len(selection.directives or ())
            self._add(part, selection)
        return part

    def _add(self, part: Part, selection: SelectionNode) -> None:
        match selection:
            case FieldNode(selection_set=below):
                part.width += 1
                part.field_count += 1
                part.depth = max(part.depth, 1)
                part.alias_count += selection.alias is not None
                part.keys[Key((selection.alias or selection.name).value, below is not None)] += 1
                if below is not None:
                    part.add_below(self._opened(below))
            case InlineFragmentNode():
                part.add(self._part(selection.selection_set))
            case FragmentSpreadNode():
                part.add(self.fragment(selection.name.value))
