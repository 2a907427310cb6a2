"""Documents by their text: parsed and validated once, then kept in a bounded cache."""

from collections import OrderedDict
from dataclasses import replace

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)

from gateway.admission.fragments import fragments_of
from gateway.admission.limits import DocumentLimits, Excess, Limit, cost_excess, first_excess
from gateway.errors import TooMuchAsked
from gateway.execution.collecting import settled
from gateway.execution.document import Document, PlanKey, Variables, name_of
from gateway.execution.plan import Plan
from gateway.execution.plans import PlanCounts, PlanMaker, PutOff
from gateway.execution.prices import Prices

MAX_KEPT = 1_000
"""Documents kept; a frontend has tens."""

MAX_KEPT_CHARACTERS = 256 * 1024
"""Characters of all that is kept, plans included: a tree takes 160 bytes for each of dense text."""

MAX_KEPT_TEXT_CHARACTERS = 16 * 1024
"""Longer texts are not kept."""

CHARACTERS_PER_TOKEN = 32
"""Longer texts are not read than tokens of that many characters, blanks included, would make: a
hundred thousand commas, or line breaks in a text, take the lexer 60 ms. Indented documents have six
to twelve; large values are variables."""

MAX_PLANS = 16
"""Plans of one document: its operations, times the values of what decides their fields."""

MAX_ERRORS = 10
"""Errors of one document that are looked for: to word a hundred takes graphql-core 0.3 s, and who
mends ten asks again."""

ABORTED = "Parsing aborted."
"""How graphql-core ends its word on a text that is too much to parse, not wrong."""


class DocumentRefused(Exception):
    """The document cannot be run; ``errors`` say why, each with its place."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


class Documents:
    """The documents of one schema, read in the order that costs least: parse, measure, validate.

    ``token_limit`` bounds parsing, ``limits`` bound what comes after it. Without ``maker`` there
    are no plans.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        token_limit: int,
        limits: DocumentLimits,
        is_introspection_on: bool,
        maker: PlanMaker | None = None,
    ) -> None:
        self._schema = schema
        self._token_limit = token_limit
        self._character_limit = CHARACTERS_PER_TOKEN * token_limit
        self._limits = limits
        self._is_introspection_on = is_introspection_on
        self._maker = maker
        hidden = () if is_introspection_on else (NoSchemaIntrospectionCustomRule,)
        self._prices = Prices(schema)
        self._rules = (*specified_rules, *hidden)
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._kept_characters = 0

    @property
    def kept_count(self) -> int:
        """How many are kept."""
        return len(self._kept)

    @property
    def plan_counts(self) -> PlanCounts:
        """What became of the operations that had no plan."""
        return PlanCounts() if self._maker is None else self._maker.counts

    def read(self, text: str, variables: Variables) -> Document:
        """The document of ``text``, ready to run; raises `DocumentRefused` otherwise."""
        document = self._kept.get(text)
        if document is None:
            document = self._checked(text)
            self._require_little(cost_excess(document.bills, variables, self._limits))
            self._keep(document)
            return document
        if not document.is_size_fixed:
            self._require_little(cost_excess(document.bills, variables, self._limits))
        self._kept.move_to_end(text)
        return document

    def warm(self, text: str) -> None:
        """Make the document ready, with the plans that depend on no variable's value.

        Raises `DocumentRefused`. Costs some milliseconds.
        """
        document = self.read(text, {})
        for operation in document.operations:
            name = name_of(operation)
            self._made(document, document.plan_key(name, {}), is_paced=False)

    def find(self, text: str) -> Document | None:
        """The document of ``text`` if it is kept."""
        return self._kept.get(text)

    def plan(
        self, document: Document, operation_name: str | None, variables: Variables
    ) -> Plan | None:
        """The plan of that operation, made if need be; None where graphql-core is to run it."""
        if document.conditions is None:
            return None
        key = document.plan_key(operation_name, variables)
        try:
            return document.plans[key]
        except KeyError:
            return self._made(document, key)
        except TypeError:  # a condition that is no boolean, as graphql-core will say
            return None

    def ready_plan(
        self, text: str, operation_name: str | None, variables: Variables
    ) -> Plan | None:
        """The plan of a document that is kept and has one, whatever it asks for. Costs nothing."""
        document = self._kept.get(text)
        if document is None or not document.is_size_fixed:
            return None
        self._kept.move_to_end(text)
        key = document.plan_key(operation_name, variables)
        try:
            return document.plans.get(key)
        except TypeError:
            return None

    def _made(self, document: Document, key: PlanKey, *, is_paced: bool = True) -> Plan | None:
        operation_name, values = key
        operation = document.operation(operation_name)
        if self._maker is None or operation is None or len(document.plans) >= MAX_PLANS:
            return None
        conditions = settled(operation, document.conditions or (), values)
        if conditions is None:
            return None
        try:
            plan = self._maker.make(document.node, operation, conditions, is_paced=is_paced)
        except PutOff:
            return None
        if plan is not None:
            plan = replace(plan, bill=document.bill(operation_name))
        document.plans[key] = plan
        if plan is not None and self._kept.get(document.text) is document:
            self._kept_characters += len(plan.source)
            self._forget_oldest()
        return plan

    def _checked(self, text: str) -> Document:
        """The document, if it is neither too much nor wrong; what it costs is not judged yet."""
        node = self._parse(text)
        self._require_little(first_excess(node, self._limits))
        self._validate(node)
        fragments = fragments_of(node)
        bills = (
            self._prices.bill(one, fragments)
            for one in node.definitions
            if isinstance(one, OperationDefinitionNode)
        )
        return Document(text, node, tuple(bills))

    def _parse(self, text: str) -> DocumentNode:
        if len(text) > self._character_limit:
            raise _too_much(Excess(Limit.CHARACTERS, len(text), self._character_limit))
        try:
            return parse(text, max_tokens=self._token_limit)
        except GraphQLSyntaxError as error:
            if error.message.endswith(ABORTED):
                raise _too_much(self._unread(error.message)) from error
            raise DocumentRefused([error]) from error

    def _unread(self, message: str) -> Excess:
        """Of what there is too much in a text that the parser has given up."""
        if "tokens" in message:
            return Excess(Limit.TOKENS, None, self._token_limit)
        return Excess(Limit.DEPTH, None, self._limits.depth_limit)

    def _validate(self, node: DocumentNode) -> None:
        errors = validate(
            self._schema,
            node,
            self._rules,
            max_errors=MAX_ERRORS,
            hide_suggestions=not self._is_introspection_on,
        )
        if errors:
            raise DocumentRefused([_of_the_document(error) for error in errors])

    def _require_little(self, excess: Excess | None) -> None:
        if excess:
            raise _too_much(excess)

    def _keep(self, document: Document) -> None:
        if len(document.text) <= MAX_KEPT_TEXT_CHARACTERS:
            self._kept[document.text] = document
            self._kept_characters += document.weight
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        while len(self._kept) > MAX_KEPT or self._kept_characters > MAX_KEPT_CHARACTERS:
            _, document = self._kept.popitem(last=False)
            self._kept_characters -= document.weight


def _too_much(excess: Excess) -> DocumentRefused:
    message = str(excess)
    told = TooMuchAsked(message, excess.limit.value, excess.value, excess.allowed)
    return DocumentRefused([GraphQLError(message, original_error=told)])


def _of_the_document(error: GraphQLError) -> GraphQLError:
    """Blame the document for a literal that its scalar could not even look at, as huge numbers."""
    if error.original_error is None:
        return error
    return GraphQLError("A literal is not a value of its type.", error.nodes)
