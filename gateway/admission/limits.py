"""What one document may ask for, and in which words and numbers it is refused for more.

The order of the limits is that of `Limit`. The first two bound the parser, the next ones are of the
one pass over the parsed document (`survey`), the last is of its price (`bills`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from graphql import DocumentNode

from gateway.admission.bills import Bill
from gateway.admission.survey import Survey, survey_of

MAX_TOLD: Final = 2**31 - 1
"""The greatest number that clients are told: fragments that double come to more than JSON has."""


class Limit(StrEnum):
    """Every limit of a document, as `extensions.limit` names it. Public."""

    CHARACTERS = "CHARACTERS"
    TOKENS = "TOKENS"
    OPERATIONS = "OPERATIONS"
    DEPTH = "DEPTH"
    ROOT_FIELDS = "ROOT_FIELDS"
    ALIASES = "ALIASES"
    DIRECTIVES = "DIRECTIVES"
    REPEATS = "REPEATS"
    FIELDS = "FIELDS"
    COST = "COST"


MESSAGES: Final[Mapping[Limit, str]] = {
    Limit.CHARACTERS: "a document has at most {allowed} characters",
    Limit.TOKENS: "a document has at most {allowed} tokens",
    Limit.OPERATIONS: "the document has more than {allowed} operations: send the one that you run",
    Limit.DEPTH: "the query is nested deeper than {allowed} levels",
    Limit.ROOT_FIELDS: "the operation has more than {allowed} root fields",
    Limit.ALIASES: "the operation has more than {allowed} aliases",
    Limit.DIRECTIVES: "the operation has more than {allowed} directives",
    Limit.REPEATS: "the document repeats its fields too often: select each field once",
    Limit.FIELDS: "the operation selects more than {allowed} fields, fragments included",
    Limit.COST: "the answer may cost {value}, more than {allowed}: "
    "ask for smaller pages or fewer levels",
}


@dataclass(frozen=True, slots=True)
class Excess:
    """Of what a document has too much, and how much; ``value`` is None where nobody counted on."""

    limit: Limit
    value: int | None
    allowed: int

    def __str__(self) -> str:
        return MESSAGES[self.limit].format(value=self.value, allowed=self.allowed)


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What one document may ask for (counts); see the settings of the same names.

    ``nested_repeat_limit``: repeats of fields with selections, each compared with all that lies
    below it: 200 pairs. ``repeat_limit``: of plain fields, 5,000 pairs, some 5 ms; fragments that
    lie side by side repeat `id` for good reasons.
    """

    depth_limit: int
    cost_limit: int
    root_limit: int = 32
    alias_limit: int = 100
    directive_limit: int = 100
    field_limit: int = 2_000
    operation_limit: int = 20
    repeat_limit: int = 100
    nested_repeat_limit: int = 20


def first_excess(document: DocumentNode, limits: DocumentLimits) -> Excess | None:
    """What the document has too much of, before anybody knows whether it is valid."""
    return excess_of(survey_of(document), limits)


def excess_of(survey: Survey, limits: DocumentLimits) -> Excess | None:
    """The first limit that these counts break."""
    rows = (
        (Limit.OPERATIONS, survey.operation_count, limits.operation_limit),
        (Limit.DEPTH, survey.depth, limits.depth_limit),
        (Limit.ROOT_FIELDS, survey.root_count, limits.root_limit),
        (Limit.ALIASES, survey.alias_count, limits.alias_limit),
        (Limit.DIRECTIVES, survey.directive_count, limits.directive_limit),
        (Limit.REPEATS, survey.plain_repeat_count, limits.repeat_limit),
        (Limit.REPEATS, survey.nested_repeat_count, limits.nested_repeat_limit),
        (Limit.FIELDS, survey.field_count, limits.field_limit),
    )
    for limit, value, allowed in rows:
        if value > allowed:
            return Excess(limit, min(value, MAX_TOLD), allowed)
    return None


def cost_excess(
    bills: Iterable[Bill], variables: Mapping[str, object], limits: DocumentLimits
) -> Excess | None:
    """The first operation that may cost too much with these variables."""
    for bill in bills:
        cost = bill.estimate(variables)
        if cost > limits.cost_limit:
            return Excess(Limit.COST, min(cost, MAX_TOLD), limits.cost_limit)
    return None
