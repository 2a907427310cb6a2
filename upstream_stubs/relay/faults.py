"""A relay that misbehaves on demand: it stops, repeats itself, or tells what nobody can read.

The rule: an event's fate hangs on its id alone, so the same events meet the same faults in every
run, and an event that is published again is published as before.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from upstream_stubs.database import Database
from upstream_stubs.fault_rules import Share
from upstream_stubs.request_parsing import Body, body_of


class RelayFaultSet(Body):
    """What is wrong with the relay.

    ``is_held``: nothing is published, heartbeats neither; ``duplicate_ratio``: the share of the
    events that is published twice; ``poison_ratio``: the share whose ``data`` cannot be read.
    """

    is_held: bool = False
    duplicate_ratio: Share = 0.0
    poison_ratio: Share = 0.0


NO_FAULTS = RelayFaultSet()


def is_struck(purpose: str, event_id: str, ratio: float) -> bool:
    """Whether this event is of the share that this fault strikes."""
    digest = hashlib.blake2b(f"{purpose} {event_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < ratio * 2**64


class RelayFaults:
    """The faults in force in one service's relay."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.present = NO_FAULTS

    def replace(self, faults: RelayFaultSet) -> None:
        """Put these faults in force, and wake a relay that was held."""
        self.present = faults
        self._database.committed.ring()

    def variants(self, event: str) -> Sequence[str]:
        """As what the event is published: once as it is, unless a fault strikes it."""
        faults = self.present
        if faults.duplicate_ratio == faults.poison_ratio == 0.0:
            return (event,)
        attributes = json.loads(event)
        event_id = attributes["id"]
        if is_struck("poison", event_id, faults.poison_ratio):
            event = json.dumps({**attributes, "data": "unreadable on demand"})
        return (event,) * (1 + is_struck("duplicate", event_id, faults.duplicate_ratio))


def relay_faults_router(faults: RelayFaults) -> APIRouter:
    """``GET``, ``PUT`` and ``DELETE /admin/relay``."""
    router = APIRouter()

    @router.get("/admin/relay")
    async def read() -> Response:
        shown = faults.present.model_dump_json(by_alias=True)
        return Response(shown, media_type="application/json")

    @router.put("/admin/relay")
    async def replace(
        fault_set: Annotated[RelayFaultSet, Depends(body_of(RelayFaultSet))],
    ) -> Response:
        faults.replace(fault_set)
        return await read()

    @router.delete("/admin/relay")
    async def clear() -> Response:
        faults.replace(NO_FAULTS)
        return Response(status_code=204)

    return router
