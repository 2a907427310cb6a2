"""Documents by their text: parsed and validated once, then kept in a bounded cache."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)

from gateway.admission.fragments import fragments_of
from gateway.admission.limits import DocumentLimits, excess_in_size, first_excess
from gateway.errors import TooMuchAsked

MAX_KEPT = 200
"""Documents kept; a frontend has tens. A tree takes 0.4 MB for each 2.5 kB of dense text."""

MAX_KEPT_CHARACTERS = 16 * 1024
"""Longer texts are not kept."""

MAX_CHARACTERS = 128 * 1024
"""Longer texts are not read: the lexer takes 0.14 s for a megabyte. Large values are variables."""

ABORTED = "Parsing aborted."
"""How graphql-core ends its word on a text that is too much to parse, not wrong."""


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
        excess_of = first_excess if kept is None else excess_in_size
        if excess := excess_of(document.node, variables, self._limits):
            raise _too_much(excess)
        if kept is None:
            self._validate(document)
        self._keep(text, document)
        return document

    def find(self, text: str) -> Document | None:
        """The document of ``text`` if it is kept."""
        return self._kept.get(text)

    def _parse(self, text: str) -> Document:
        if len(text) > MAX_CHARACTERS:
            raise _too_much(f"a document has at most {MAX_CHARACTERS} characters")
        try:
            node = parse(text, max_tokens=self._token_limit)
        except GraphQLSyntaxError as error:
            if error.message.endswith(ABORTED):
                raise _too_much(error.message) from error
            raise DocumentRefused([error]) from error
        return Document(node, fragments_of(node))

    def _validate(self, document: Document) -> None:
        errors = validate(
            self._schema,
            document.node,
            self._rules,
            hide_suggestions=not self._is_introspection_on,
        )
        if errors:
            raise DocumentRefused([_of_the_document(error) for error in errors])

    def _keep(self, text: str, document: Document) -> None:
        if len(text) > MAX_KEPT_CHARACTERS:
            return
        self._kept[text] = document
        self._kept.move_to_end(text)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


def _too_much(message: str) -> DocumentRefused:
    return DocumentRefused([GraphQLError(message, original_error=TooMuchAsked(message))])


def _of_the_document(error: GraphQLError) -> GraphQLError:
    """Blame the document for a literal that its scalar could not even look at, as huge numbers."""
    if error.original_error is None:
        return error
    return GraphQLError("A literal is not a value of its type.", error.nodes)


def _name(operation: OperationDefinitionNode) -> str | None:
    return None if operation.name is None else operation.name.value
