"""Who a live connection is, and until when: the one place where its caller is told.

A WebSocket says so in its handshake, or in its first message, because a browser cannot set headers
on a WebSocket: what `connection_init` calls ``Authorization`` stands for the header of that name.
"""

from dataclasses import dataclass
from typing import Final

from gateway.caller import Caller
from gateway.errors import Json
from gateway.identity.desk import IdentityDesk
from gateway.request import RequestHeaders

BEARER_NAMES: Final = ("Authorization", "authorization")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A caller; ``expires_in_s`` is how long her identity holds, None if for ever."""

    caller: Caller
    headers: RequestHeaders
    expires_in_s: float | None = None


async def arrive(headers: RequestHeaders, payload: Json, identity: IdentityDesk) -> Arrival:
    """Who comes. Raises `RequestRefused` where she may not: the socket is closed then.

    Waits for the keys of who issues identities, for a moment, if that may help.
    """
    bearer = next((payload[name] for name in BEARER_NAMES if name in payload), None)
    if isinstance(bearer, str):
        named = bearer.encode("latin-1", "replace")
        headers = RequestHeaders({**headers.values, b"authorization": [named]})
    viewer = await identity.identify(headers)
    return Arrival(Caller.of(headers, viewer), headers, identity.expires_in_s(headers))
