"""What a token claims becomes a viewer. Pure.

The rule: what is not said, or not understood, gives nothing. A role that nobody knows is a visitor,
and so is a customer without an id that could be one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from projections.views.aggregate import is_id
from resolvers.viewer import Role, Viewer

MAX_SUBJECT: Final = 128
MAX_SCOPES: Final = 32
MAX_SCOPE: Final = 64
"""Characters of a subject and of a scope, and how many scopes: what is kept of a viewer is bounded;
what is longer is no subject, and no scope."""


LATEST_S: Final = 1e12
"""No time (Unix s) is later."""


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claims tell what a viewer is."""

    role: str = "role"
    customer: str = "customer_id"


def viewer_of(claims: Mapping[str, object], names: ClaimNames) -> Viewer | None:
    """The viewer of these claims; None where they name no subject.

    Her subject tells all that she is, so that no token, validator or kept answer of a customer is
    good for another role of the same person: ``customer:c-1:ada``. No role and no id has a colon.
    """
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= MAX_SUBJECT or not sub.isprintable():
        return None
    role, customer_id = _role_of(claims, names)
    subject = f"{role}:{customer_id or ''}:{sub}"
    return Viewer(subject, role, customer_id, _scopes_of(claims))


def is_current(claims: Mapping[str, object], *, now_s: float, leeway_s: float) -> bool:
    """Does the token hold at ``now_s`` (Unix s)? It must say until when."""
    expires_at_s = time_of(claims, "exp")
    begins_at_s = time_of(claims, "nbf", or_else=-math.inf)
    issued_at_s = time_of(claims, "iat", or_else=-math.inf)
    return (
        expires_at_s > now_s - leeway_s
        and begins_at_s <= now_s + leeway_s
        and issued_at_s <= now_s + leeway_s
    )


def time_of(claims: Mapping[str, object], name: str, *, or_else: float = math.nan) -> float:
    """A time among the claims (Unix s); not a number where it is none, ``or_else`` if absent."""
    if name not in claims:
        return or_else
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if abs(value) <= LATEST_S else math.nan


def _role_of(claims: Mapping[str, object], names: ClaimNames) -> tuple[Role, str | None]:
    given = claims.get(names.role)
    words = given if isinstance(given, list) else [given]
    customer_id = claims.get(names.customer)
    if Role.STAFF in words:
        return Role.STAFF, None
    may_be_customer = given is None or Role.CUSTOMER in words
    if may_be_customer and isinstance(customer_id, str) and is_id(customer_id):
        return Role.CUSTOMER, customer_id
    return Role.VISITOR, None


def _scopes_of(claims: Mapping[str, object]) -> frozenset[str]:
    given = claims.get("scope", claims.get("scp"))
    words = given.split(" ") if isinstance(given, str) else given
    if not isinstance(words, list):
        return frozenset()
    scopes = [word for word in words if isinstance(word, str) and 0 < len(word) <= MAX_SCOPE]
    return frozenset(scopes[:MAX_SCOPES])
