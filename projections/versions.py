"""Names and versions of aggregates: what a write position is made of.

The rule: a version is only ever compared as the pair (epoch, number), epoch first. A service that
lost history starts again at a lower number in a higher epoch, and a bare number would let its old
world pass for a newer one (Cosmos DB calls that "false progress").
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class AggregateType(StrEnum):
    """The kinds of thing that somebody else owns and we show.

    ``source`` is the service, and so the event source, that owns the type: ``orders`` and so on.
    """

    ORDER = "order"
    CUSTOMER = "customer"
    PRODUCT = "product"

    source: str

    def __init__(self, value: str) -> None:
        self.source = f"{value}s"  # once: it is asked for at every turn


ORDER: Final = AggregateType.ORDER
CUSTOMER: Final = AggregateType.CUSTOMER
PRODUCT: Final = AggregateType.PRODUCT
"""The same under names of their own, for what is asked of every row: before Python 3.12 to take a
member from its enumeration costs more than to make a key of it.
"""


class AggregateKey(Struct, frozen=True, order=True, gc=False):
    """One aggregate anywhere: its type and the id its owner gave it (1–64 characters)."""

    type: AggregateType
    id: str

    def __str__(self) -> str:
        return f"{self.type.value}:{self.id}"


class Version(Struct, frozen=True, order=True, gc=False):
    """A write position: the owner's epoch, then its gapless change number (from 1)."""

    epoch: int
    number: int

    @property
    def successor(self) -> "Version":
        """The least version after this one: numbers have no holes."""
        return Version(self.epoch, self.number + 1)

    def __str__(self) -> str:
        return f"{self.epoch}.{self.number}"
