"""Sources as an operator names them."""

from collections.abc import Sequence
from enum import StrEnum

from projections.versions import AggregateType


class SourceName(StrEnum):
    """A service, and so an event source."""

    ORDERS = "orders"
    CUSTOMERS = "customers"
    PRODUCTS = "products"


def sources_of(names: Sequence[SourceName] | None) -> tuple[str, ...]:
    """The sources that were named; all of them if none was."""
    return tuple(dict.fromkeys(name.value for name in names or SourceName))


def types_of(names: Sequence[SourceName] | None) -> tuple[AggregateType, ...]:
    """The types of thing that these sources bring."""
    sources = sources_of(names)
    return tuple(of for of in AggregateType if of.source in sources)
