"""What every operation meets on its way in, whatever transport brings it."""

from dataclasses import dataclass

from gateway.admission.door import Door
from gateway.client_limits import ClientLimits
from gateway.identity.desk import IdentityDesk
from gateway.known_documents import KnownDocuments
from gateway.operation import Operations
from gateway.telling import Teller


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Those of one gateway; see the types."""

    operations: Operations
    door: Door
    identity: IdentityDesk
    limits: ClientLimits
    known: KnownDocuments
    teller: Teller
