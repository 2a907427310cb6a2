"""What the open internet meets: which documents and origins, in what form, and for how long."""

import re
from typing import Literal

from pydantic import Field, field_validator

from gateway.sections.field_kinds import Seconds, Section
from gateway.web.options import (
    BatchOptions,
    CompressionOptions,
    ConnectionOptions,
    DocumentOptions,
)
from gateway.web.origins import ANY

_ORIGIN = re.compile(
    r"https?://[a-z0-9.-]+(:[0-9]{1,5})?\Z|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?\Z"
)


class WebSettings(Section):
    """What a client may send, in what form it is answered, and how long it may take."""

    documents: Literal["any", "known"] = Field(
        "any",
        description="Which documents are run. `known`: those of `BFF_DOCUMENTS_FILE` alone, by "
        "their `documentId`, their hash or their very text; all others are refused "
        "(`DOCUMENT_UNKNOWN`), introspection too.",
    )
    automatic_documents: int = Field(
        1000,
        ge=0,
        le=1_000_000,
        description="Documents that are kept by the hash that a client sent along (automatic "
        "persisted queries), up to 2 MB of text, in each process; 0 keeps none.",
    )
    batch_limit: int = Field(
        10,
        ge=0,
        le=32,
        description="Requests in one list of requests; 0 or 1 takes no lists. Each takes a place "
        "at the door of its own.",
    )
    compression: bool = Field(
        True, description="Pack answers with gzip, for clients that accept it."
    )
    compression_threshold_bytes: int = Field(
        1024, ge=0, le=1_000_000, description="The smallest answer that is packed."
    )
    cors_origins: str | None = Field(
        None,
        description="Origins whose pages may read answers, with credentials, `,` between them: "
        "`https://shop.example`. `*`: any, without credentials. Without it none but our own.",
    )
    connection_limit: int = Field(
        4096,
        ge=1,
        le=1_000_000,
        description="Connections of a process at a time; who comes then is told to come back "
        "(`OVERLOADED`). Each takes a file descriptor (`ulimit -n`).",
    )
    head_limit_bytes: int = Field(
        32 * 1024,
        ge=1024,
        le=1024 * 1024,
        description="Bytes of a request's head, its address included, which by GET holds the "
        "query.",
    )
    idle_timeout_s: Seconds = Field(
        5.0,
        ge=0.1,
        le=600,
        description="How long a connection without a request is kept. Longer than whatever is in "
        "front of the gateway keeps it, or a request may meet its end.",
    )
    slow_client_s: Seconds = Field(
        10.0,
        ge=0.1,
        le=120,
        description="How long a client may take to send a head; twice as long to take its answer.",
    )

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, given: str | None) -> str | None:
        origins = _listed(given)
        if ANY in origins and len(origins) > 1:
            raise ValueError("* stands alone: no other origin can be named beside it")
        for origin in origins:
            if origin != ANY and not _ORIGIN.match(origin):
                raise ValueError(f"{origin!r} is no origin, such as https://shop.example")
        return given

    def document_options(self) -> DocumentOptions:
        """Which documents are run, and which are kept by their hash."""
        is_open = self.documents == "any"
        return DocumentOptions(is_open=is_open, kept_limit=self.automatic_documents)

    def batch_options(self) -> BatchOptions:
        """How many requests one may hold."""
        return BatchOptions(limit=self.batch_limit)

    def compression_options(self) -> CompressionOptions:
        """What is packed."""
        return CompressionOptions(
            is_on=self.compression, threshold_bytes=self.compression_threshold_bytes
        )

    @property
    def listed_origins(self) -> list[str]:
        """The origins whose pages may read answers."""
        return _listed(self.cors_origins)

    def connection_options(self) -> ConnectionOptions:
        """How many connections there are, and how long each may take for what."""
        return ConnectionOptions(
            limit=self.connection_limit,
            head_limit_bytes=self.head_limit_bytes,
            idle_timeout_s=self.idle_timeout_s,
            head_timeout_s=self.slow_client_s,
            taking_timeout_s=2 * self.slow_client_s,
        )


def _listed(given: str | None) -> list[str]:
    parts = (part.strip() for part in (given or "").split(","))
    return [part.lower().rstrip("/") for part in parts if part]
