"""What the resolvers of one operation share. Made at the door, closed with the operation."""

from collections.abc import Mapping
from typing import Protocol

import strawberry
from graphql import FragmentDefinitionNode
from msgspec import Struct

from projections.token import ConsistencyToken
from resolvers.loaders import Clients
from resolvers.read_model import ReadModel
from resolvers.read_request import Reads
from resolvers.report import ConsistencyReport
from resolvers.tokens import TokenDesk
from resolvers.upstream.call_context import CallContext
from resolvers.viewer import Viewer


class TokenContext(Protocol):
    """What is asked and told of tokens. ``token`` is what header and cookie demand."""

    @property
    def tokens(self) -> TokenDesk: ...

    @property
    def report(self) -> ConsistencyReport: ...

    @property
    def token(self) -> ConsistencyToken: ...


class TokensAlone(Struct, frozen=True):
    """All that a read at hand needs of an operation: a `TokenContext` and nothing more."""

    tokens: TokenDesk
    report: ConsistencyReport
    token: ConsistencyToken


class OperationContext(Struct, frozen=True):
    """A `TokenContext`, and whatever reads and writes; ``fragments`` are those of the document.

    ``model`` is None where there is no projection.
    """

    clients: Clients
    model: ReadModel | None
    call: CallContext
    viewer: Viewer
    reads: Reads
    report: ConsistencyReport
    tokens: TokenDesk
    token: ConsistencyToken
    fragments: Mapping[str, FragmentDefinitionNode]

    def close(self) -> None:
        """Cancel what is still under way for this operation. Idempotent."""
        self.reads.close()


Info = strawberry.Info[OperationContext, None]
