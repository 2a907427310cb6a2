"""Who asks: the person or program behind a request, as far as what she is shown depends on it.

The rule: a viewer is a value. Whatever is kept, shared or sealed for one is found again by an equal
one only.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Role(StrEnum):
    """What a viewer is to the shop: nobody in particular, a customer, or one of its people."""

    VISITOR = "visitor"
    CUSTOMER = "customer"
    STAFF = "staff"


class Viewer(Struct, frozen=True):
    """``subject`` is what her tokens are bound to; ``customer_id`` whose orders are hers.

    ``scopes`` are what her identity was given leave for, as its issuer says.
    """

    subject: str
    role: Role = Role.STAFF
    customer_id: str | None = None
    scopes: frozenset[str] = frozenset()


ANYBODY: Final = Viewer("anonymous")
"""Who asks where nobody is told apart."""
