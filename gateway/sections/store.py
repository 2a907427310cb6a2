"""Where the projection is kept: in this process, or in a Redis that processes share."""

from typing import Literal

from pydantic import Field, RedisDsn

from gateway.sections.field_kinds import Milliseconds, Section


class StoreSettings(Section):
    """The store of the read models."""

    store: Literal["memory", "redis"] = Field(
        "memory",
        description="Where the projection is kept: in this process, which then projects for "
        "itself, or in Redis (or Valkey), kept current by `bff project`.",
    )
    redis_url: RedisDsn = Field(
        RedisDsn("redis://127.0.0.1:6379"),
        description="The Redis of the projection; `rediss` for TLS. One node of a cluster will do.",
    )
    redis_prefix: str = Field(
        "bff",
        pattern=r"^[A-Za-z0-9._-]{1,32}$",
        description="First part of every key, and the hash tag that keeps them on one node.",
    )
    redis_timeout_ms: Milliseconds = Field(
        100, ge=5, le=5000, description="How long a read waits for Redis before it goes live."
    )
    redis_connection_limit: int = Field(
        16, ge=2, le=1024, description="Connections to Redis; who finds none free waits for one."
    )
    ready_answers_mb: int = Field(
        64,
        ge=0,
        le=10_000,
        description="Megabytes of answers that are kept as bytes, those used last; each is given "
        "again only while the projection would be read the same. Once they are full, an answer "
        "is kept when it is made for the second time. 0 keeps none.",
    )
    near_cache_rows: int = Field(
        10_000,
        ge=0,
        le=10_000_000,
        description="Rows of Redis that a gateway keeps at hand, about 2 KB each; 0 for none.",
    )
