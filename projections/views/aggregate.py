"""What all rows share: identity, version, and the field types of the public contract."""

import re
from decimal import Decimal
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from projections.versions import AggregateKey, AggregateType, Version

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}\Z"
"""Ids travel in paths, comma-joined batches and tokens: unreserved URL characters, 64 at most."""

ID_RULE = "1 to 64 letters, digits or . _ ~ -, beginning with a letter or digit"
"""The same in words, for people."""

Id = Annotated[str, Meta(pattern=ID_PATTERN)]
Money = Annotated[Decimal, Meta(description="decimal string on the wire, never a float")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]

_id = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """Whether any service can have given this id."""
    return _id.match(text) is not None


def require_amounts(*amounts: Decimal) -> None:
    """Raise ValueError for what a decimal can be and money cannot: no number, or an infinite one.

    Said in a row's ``__post_init__``, it makes the row undecodable.
    """
    if not all(map(Decimal.is_finite, amounts)):
        raise ValueError("an amount of money is a finite number")


class AggregateRow(Struct, frozen=True, rename="camel", kw_only=True):
    """The state of one aggregate as its owner published it, with the version of the commit."""

    aggregate_type: ClassVar[AggregateType]

    id: Id
    version: Annotated[int, Meta(ge=1, lt=2**53)]
    epoch: Annotated[int, Meta(ge=0, lt=2**53)]

    @property
    def key(self) -> AggregateKey:
        return AggregateKey(self.aggregate_type, self.id)

    @property
    def at(self) -> Version:
        """The write position of this state."""
        return Version(self.epoch, self.version)
