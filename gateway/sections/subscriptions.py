"""Live updates: how many may follow orders, and for how long nobody listens."""

from pydantic import Field

from gateway.live_options import LiveOptions
from gateway.sections.field_kinds import Seconds, Section


class SubscriptionSettings(Section):
    """Sockets and event streams."""

    live_connections: int = Field(
        LiveOptions().connection_limit,
        ge=0,
        le=100_000,
        description="WebSockets and event streams that one process holds; more are refused (503). "
        "0 lets none in. They are among `BFF_CONNECTION_LIMIT`, so fewer than those.",
    )
    live_connections_per_subject: int = Field(
        100,
        ge=1,
        le=100_000,
        description="Of these, how many one subject may have, where callers are told apart.",
    )
    live_operations_per_socket: int = Field(
        100, ge=1, le=1_000, description="Operations under way on one WebSocket."
    )
    live_message_limit_bytes: int = Field(
        65_536, ge=1_024, le=1_048_576, description="The largest message of a WebSocket's client."
    )
    live_message_rate: float = Field(
        50.0,
        ge=1,
        le=10_000,
        description="Messages of one WebSocket's client, after a burst of 200; who sends more is "
        "closed (1008).",
        json_schema_extra={"unit": "1/s"},
    )
    live_ping_s: Seconds = Field(
        20.0,
        ge=1,
        le=300,
        description="Between two pings of a WebSocket, and two signs of life of an event stream; "
        "less than what stands between waits for. Who has not answered for as long is closed.",
    )
    live_stuck_s: Seconds = Field(
        10.0,
        ge=0.1,
        le=300,
        description="How long a client may leave a message unread before it is cut off.",
    )

    def live_options(self) -> LiveOptions:
        """What is allowed of live connections."""
        return LiveOptions(
            connection_limit=self.live_connections,
            subject_limit=self.live_connections_per_subject,
            operation_limit=self.live_operations_per_socket,
            message_limit_bytes=self.live_message_limit_bytes,
            messages_per_s=self.live_message_rate,
            ping_s=self.live_ping_s,
            stuck_s=self.live_stuck_s,
        )
