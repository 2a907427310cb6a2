"""Identities for `bff dev`: somebody to be, with a key that is made on this machine and stays here.

The tokens are real ones and are verified like any other; only their issuer is no more than a file
in the data directory, readable by its user alone.
"""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jwt
from fastapi import APIRouter, Response

from gateway.identity.keys import SHARED_ALGORITHM
from gateway.token_key import keep_secret
from resolvers.viewer import Role

KEY_FILE: Final = "identity.key"
ISSUER: Final = "bff dev"
AUDIENCE: Final = "bff"
LIFETIME_S: Final = 3600
"""Seconds for which a token of a development identity is good: as long as one sits at something."""


@dataclass(frozen=True, slots=True)
class DevIdentity:
    """Somebody to be. ``customer_id`` is one of the demo data."""

    name: str
    role: Role
    customer_id: str | None = None


DEV_IDENTITIES: Final = (
    DevIdentity("Staff", Role.STAFF),
    DevIdentity("Customer c-1", Role.CUSTOMER, "c-1"),
    DevIdentity("Customer c-32", Role.CUSTOMER, "c-32"),
    DevIdentity("Visitor", Role.VISITOR),
)
"""``o-1`` is an order of ``c-32``."""


PATH: Final = "/playground/identities"


def kept_secret(data_dir: Path) -> str:
    """The key of development identities in ``data_dir``, made at the first call."""
    return keep_secret(data_dir / KEY_FILE, lambda: secrets.token_urlsafe(32))


def token_of(identity: DevIdentity, secret: str, *, now_s: float) -> str:
    """A bearer token for it, good for an hour from ``now_s`` (Unix s)."""
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": identity.name,
        "role": identity.role.value,
        "iat": int(now_s),
        "exp": int(now_s) + LIFETIME_S,
    }
    if identity.customer_id is not None:
        claims["customer_id"] = identity.customer_id
    return jwt.encode(claims, secret, algorithm=SHARED_ALGORITHM)


def identity_routes(secret: str) -> APIRouter:
    """``/playground/identities``: whom to be, with fresh tokens. For `bff dev` alone."""
    routes = APIRouter()

    @routes.get(PATH)
    async def identities(response: Response) -> list[dict[str, str | None]]:
        response.headers["cache-control"] = "no-store"
        return [
            {
                "name": identity.name,
                "role": identity.role.value,
                "customerId": identity.customer_id,
                "token": token_of(identity, secret, now_s=time.time()),
            }
            for identity in DEV_IDENTITIES
        ]

    return routes
