"""What has become of subscriptions, in plain numbers; `metrics` asks for them."""

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Transport = Literal["websocket", "sse"]
TRANSPORTS: Final[tuple[Transport, ...]] = get_args(Transport)

Ending = Literal["client", "drained", "refused", "stuck", "silent", "flooded", "expired"]
"""Why a connection ended. The client left; we are going; it was not let in, or spoke wrongly; it
left what we sent unread; it did not introduce itself; it sent too much; its identity ran out."""

ENDINGS: Final[tuple[Ending, ...]] = get_args(Ending)


def _of_transports() -> dict[Transport, int]:
    return dict.fromkeys(TRANSPORTS, 0)


@dataclass(slots=True)
class LiveCounts:
    """Those of one gateway.

    ``conflated_count``: changes that came while an earlier one was not yet shown.
    """

    connections: dict[Transport, int] = field(default_factory=_of_transports)
    following_count: int = 0
    sent: dict[Transport, int] = field(default_factory=_of_transports)
    conflated_count: int = 0
    ended: dict[Ending, int] = field(default_factory=lambda: dict.fromkeys(ENDINGS, 0))
