"""How much a document asks for, measured in one pass before it is validated or run.

Each fragment is measured once and remembered, so the pass is linear in the document however often
fragments are spread; a depth rule without this memory takes minutes for a kilobyte of text.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from gateway.admission.fragments import fragments_of
from gateway.admission.repeats import count_repeats
from resolvers.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

ITEMS_OF_AN_ORDER = 10
"""Lines an order is taken to have; the true number is known only afterwards, and may be 50."""


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What one document may ask for; see the settings of the same names.

    ``root_limit``: root fields of an operation (count, default 32): each is a read or a write.
    """

    depth_limit: int
    cost_limit: int
    root_limit: int = 32


@dataclass(frozen=True, slots=True)
class Measure:
    """The size of a selection.

    ``width`` in fields side by side, ``depth`` in levels of them; ``cost`` in fields of the answer,
    page sizes multiplied in.
    """

    width: int = 0
    depth: int = 0
    cost: int = 0


def first_excess(
    document: DocumentNode, variables: Mapping[str, object], limits: DocumentLimits
) -> str | None:
    """What the document asks too much of, in a sentence for its author; None if nothing.

    Does not need a valid document: what is unknown or circular counts nothing here and is refused
    by validation.
    """
    if count_repeats(document).is_too_many:
        return "the document repeats its fields too often: select each field once"
    return excess_in_size(document, variables, limits)


def excess_in_size(
    document: DocumentNode, variables: Mapping[str, object], limits: DocumentLimits
) -> str | None:
    """The part of `first_excess` that depends on the variables, so is asked at every request."""
    ruler = _Ruler(document, variables)
    for operation in document.definitions:
        if not isinstance(operation, OperationDefinitionNode):
            continue
        measure = ruler.measure(operation.selection_set)
        if measure.width > limits.root_limit:
            return f"the operation has more than {limits.root_limit} root fields"
        if measure.depth > limits.depth_limit:
            return f"the query is nested deeper than {limits.depth_limit} levels"
        if measure.cost > limits.cost_limit:
            return (
                f"the answer may have {measure.cost} fields, more than {limits.cost_limit}: "
                "ask for smaller pages or fewer levels"
            )
    return None


def is_size_fixed(document: DocumentNode) -> bool:
    """Does the document ask for as much whatever its variables are?"""
    ruler = _Ruler(document, {})
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            ruler.measure(operation.selection_set)
    return not ruler.has_met_variables


class _Ruler:
    def __init__(self, document: DocumentNode, variables: Mapping[str, object]) -> None:
        self.has_met_variables = False
        self._variables = variables
        self._fragments = fragments_of(document)
        self._measured: dict[str, Measure] = {}

    def measure(self, selections: SelectionSetNode | None) -> Measure:
        if selections is None:
            return Measure()
        return _together(self._measure_one(selection) for selection in selections.selections)

    def _measure_one(self, selection: object) -> Measure:
        match selection:
            case FieldNode():
                below = self.measure(selection.selection_set)
                return Measure(1, below.depth + 1, 1 + self._list_size(selection) * below.cost)
            case InlineFragmentNode():
                return self.measure(selection.selection_set)
            case FragmentSpreadNode():
                return self._measure_fragment(selection.name.value)
            case _:
                return Measure()

    def _measure_fragment(self, name: str) -> Measure:
        if name not in self._measured and name in self._fragments:
            self._measured[name] = Measure()  # a circle ends here
            self._measured[name] = self.measure(self._fragments[name].selection_set)
        return self._measured.get(name, Measure())

    def _list_size(self, field: FieldNode) -> int:
        """How often the selections of ``field`` are answered, at most."""
        match field.name.value:
            case "items":
                return ITEMS_OF_AN_ORDER
            case "orders":
                return self._page_size(field)
            case _:
                return 1

    def _page_size(self, field: FieldNode) -> int:
        """The size asked for, held within what a page can be: any other size is refused later."""
        for argument in field.arguments or ():
            if argument.name.value == "first":
                return max(1, min(self._read_size(argument.value), MAX_PAGE_SIZE))
        return DEFAULT_PAGE_SIZE

    def _read_size(self, value: ValueNode) -> int:
        match value:
            case IntValueNode(value=text) if len(text) < len(str(sys.maxsize)):
                return int(text)
            case VariableNode(name=name):
                self.has_met_variables = True
                size = self._variables.get(name.value)
                return size if isinstance(size, int) else MAX_PAGE_SIZE
            case _:
                return MAX_PAGE_SIZE


def _together(measures: Iterable[Measure]) -> Measure:
    width = depth = cost = 0
    for measure in measures:
        width += measure.width
        depth = max(depth, measure.depth)
        cost += measure.cost
    return Measure(width, depth, cost)
