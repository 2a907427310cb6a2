"""Every number of `gateway.web`: unit, default, allowed range, and where it comes from."""

from dataclasses import dataclass
from typing import Annotated

from resolvers.tokens import MAX_TOKENS
from resolvers.upstream.ranges import Between, require_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How many connections there are, and how long each may take for what.

    Together they cut whoever sends half of a request, or reads half of an answer, within 30 s.
    """

    limit: Annotated[int, Between(1, 1_000_000)] = 4_096
    """Connections at a time. Four thousand: what one process serves in its deadline, several times
    over; those beyond are told so, up to as many again, then cut."""

    head_limit_bytes: Annotated[int, Between(1_024, 1_048_576)] = 32_768
    """Bytes of a head. Thirty-two thousand: a long query by GET and a token in a dozen cookies."""

    header_limit: Annotated[int, Between(10, 10_000)] = 100
    """Headers of a request. A hundred: browsers send twenty, and proxies as many."""

    message_limit_bytes: Annotated[int, Between(1_024, 1_000_000_000)] = 4_000_000
    """Bytes on the wire of one request with all that stands around its body. Four megabytes: a body
    of the default limit in chunks of one byte takes two."""

    pipeline_limit: Annotated[int, Between(1, 10_000)] = 32
    """Requests that wait behind one that runs, on one connection. Browsers send none so."""

    head_timeout_s: Annotated[float, Between(0.01, 120)] = 10.0
    """Seconds from its first byte, or from the connection's beginning, to the end of a head."""

    body_timeout_s: Annotated[float, Between(0.01, 120)] = 15.0
    """Seconds that a body may take beyond those of its head, whoever reads it. Fifteen: more than
    `gateway.receiving` grants to those it reads, who are told why they are cut."""

    taking_timeout_s: Annotated[float, Between(0.01, 240)] = 20.0
    """Seconds for which a client may leave its answers lying: 5 kB/s is enough, for what is more
    than the system's own buffers hold."""

    idle_timeout_s: Annotated[float, Between(0.01, 600)] = 5.0
    """Seconds for which a connection without a request is kept."""

    parting_s: Annotated[float, Between(0.01, 30)] = 1.0
    """Seconds for which a refused connection is kept for its client to read why: closed at once,
    with bytes of hers unread, the refusal would be lost."""

    retry_after_s: Annotated[float, Between(0.1, 60)] = 1.0
    """Seconds after which a connection too many is asked to come back."""

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How many requests one may hold."""

    limit: Annotated[int, Between(0, MAX_TOKENS)] = 10
    """Requests in one; 0 and 1 take none. Ten: what clients gather in one turn of their loop."""

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOptions:
    """Which documents are run, and which are kept by their hash."""

    is_open: bool = True
    """Off, only documents of the manifest are run, whatever else they ask for."""

    kept_limit: Annotated[int, Between(0, 1_000_000)] = 1_000
    """Documents kept that clients made known; 0 keeps none. A thousand: as many as are kept
    parsed, and a frontend has tens."""

    kept_limit_bytes: Annotated[int, Between(0, 1_000_000_000)] = 2_000_000
    """Bytes of their texts. Two megabytes: two kilobytes for each of them, a long query."""

    longest_bytes: Annotated[int, Between(0, 1_000_000)] = 65_536
    """Bytes of one above which it is not kept: nobody's share of the place is larger."""

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressionOptions:
    """What is packed, and how hard."""

    is_on: bool = True
    """Off, every answer is sent as it is."""

    threshold_bytes: Annotated[int, Between(0, 1_000_000)] = 1_024
    """Bytes of an answer from which it is packed. A kilobyte: less fits in one packet anyhow."""

    limit_bytes: Annotated[int, Between(0, 16_000_000)] = 1_000_000
    """Bytes of an answer above which it is sent as it is. A megabyte: more than a document may ask
    for, and 2.5 ms during which nobody else is served."""

    level: Annotated[int, Between(1, 9)] = 1
    """How hard zlib tries. One: pages of orders shrink to a tenth, in half of the time that its
    default takes to make them a fifth smaller still."""

    def __post_init__(self) -> None:
        require_ranges(self)
