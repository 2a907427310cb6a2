"""Documents by their text: parsed and validated once, then kept in a bounded cache."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)

from gateway.admission.limits import DocumentLimits, first_excess
from gateway.errors import TooMuchAsked

MAX_KEPT = 1000
"""Documents kept; a frontend has tens."""

MAX_KEPT_CHARACTERS = 16 * 1024
"""Longer texts are not kept: 1000 of the largest bodies would be a gigabyte."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document that may be run."""

    node: DocumentNode
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation_type(self, operation_name: str | None) -> OperationType | None:
        """What the named operation (or the only one) is; None where that names none, or several."""
        operations = [
            definition
            for definition in self.node.definitions
            if isinstance(definition, OperationDefinitionNode)
            and (operation_name is None or _name(definition) == operation_name)
        ]
        return operations[0].operation if len(operations) == 1 else None


class DocumentRefused(Exception):
    """The document cannot be run; ``errors`` say why, each with its place."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


class Documents:
    """The documents of one schema, read in the order that costs least: parse, measure, validate.

    ``token_limit`` bounds parsing, ``limits`` bound what comes after it.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        token_limit: int,
        limits: DocumentLimits,
        is_introspection_on: bool,
    ) -> None:
        self._schema = schema
        self._token_limit = token_limit
        self._limits = limits
        self._is_introspection_on = is_introspection_on
        hidden = () if is_introspection_on else (NoSchemaIntrospectionCustomRule,)
        self._rules = (*specified_rules, *hidden)
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def read(self, text: str, variables: Mapping[str, object]) -> Document:
        """The document of ``text``, ready to run; raises `DocumentRefused` otherwise."""
        kept = self._kept.get(text)
        document = self._parse(text) if kept is None else kept
        if excess := first_excess(document.node, variables, self._limits):
            raise DocumentRefused([GraphQLError(excess, original_error=TooMuchAsked(excess))])
        if kept is None:
            self._validate(document)
        self._keep(text, document)
        return document

    def find(self, text: str) -> Document | None:
        """The document of ``text`` if it is kept."""
        return self._kept.get(text)

    def _parse(self, text: str) -> Document:
        try:
            node = parse(text, max_tokens=self._token_limit)
        except GraphQLError as error:
            raise DocumentRefused([error]) from error
        fragments = {
            definition.name.value: definition
            for definition in node.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        return Document(node, fragments)

    def _validate(self, document: Document) -> None:
        errors = validate(
            self._schema,
            document.node,
            self._rules,
            hide_suggestions=not self._is_introspection_on,
        )
        if errors:
            raise DocumentRefused(errors)

    def _keep(self, text: str, document: Document) -> None:
        if len(text) > MAX_KEPT_CHARACTERS:
            return
        self._kept[text] = document
        self._kept.move_to_end(text)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


def _name(operation: OperationDefinitionNode) -> str | None:
    return None if operation.name is None else operation.name.value
