"""What fields cost, as the schema says it: ``@cost`` and ``@listSize``.

The directives are those of IBM's GraphQL Cost Directives specification (docs/limits.md). One thing
differs: a field that says nothing costs 1, plain ones too, because the work of an answer is that of
its fields.

Weights are what was measured of a gateway's processor, where 1 is a field on graphql-core (20 µs):
to begin a read is ten of them, another row of an answer two, a write and the read after it fifty.
"""

from typing import Final

import strawberry
from strawberry import UNSET
from strawberry.schema_directive import Location

from resolvers.pages import MAX_PAGE_SIZE

ITEMS_OF_AN_ORDER: Final = 10
"""Lines an order is taken to have; the true number is known only afterwards, and may be 50."""

SCHEMA_WEIGHT: Final = 500
"""What a look at the schema costs; ``__schema`` cannot say it itself. All of it takes 15 ms."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="What a field costs once, beside what is selected below it; 1 where it is missing.",
)
class Cost:
    weight: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How many elements a list is taken to have: what the slicing argument says, at "
    "most `assumedSize`. With `sizedFields` it is the list below that has them.",
)
class ListSize:
    assumed_size: int | None = UNSET
    slicing_arguments: list[str] | None = UNSET
    sized_fields: list[str] | None = UNSET
    require_one_slicing_argument: bool | None = True


READ: Final = Cost(weight="10")
ANOTHER_ROW: Final = Cost(weight="2")
WRITE: Final = Cost(weight="50")
LINES: Final = ListSize(assumed_size=ITEMS_OF_AN_ORDER, require_one_slicing_argument=UNSET)
PAGE: Final = ListSize(
    assumed_size=MAX_PAGE_SIZE,
    slicing_arguments=["first"],
    sized_fields=["edges"],
    require_one_slicing_argument=False,
)
