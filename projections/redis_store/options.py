"""Every number of the Redis store, each with its unit, default, range and reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisOptions:
    """Where the store is, and how patient we are with it.

    ``url``: ``redis://``, ``rediss://`` or ``unix://``; of a cluster, any one of its nodes.
    ``prefix`` (default ``bff``): the hash tag of every key, so that all of them lie on one node.

    ``connection_limit`` (count, default 8, ≥ 1): whoever finds all of them taken waits, within his
    timeout. Reads share calls, so more connections would only queue in the server instead.
    ``connect_timeout_s`` (s, default 0.5): opening one, for whoever is in no hurry.
    ``read_timeout_s`` (s, default 0.1): a read that takes longer is answered live instead, which
    takes about as long.
    ``write_timeout_s`` (s, default 5.0): a batch waits rather than be written twice.

    ``reads_per_call`` (count, default 32, ≥ 1): reads that share one script. The server does
    nothing else meanwhile: 32 pages of 20 orders take it about 10 ms.
    ``flight_limit`` (count, default 2, ≥ 1): such calls on the wire at once; reads that come while
    they fly share the next. Two, so that the server works on one while we decode the other.

    ``near_cache_rows`` (count, default 0: none): rows kept at hand between reads, about 2 KB each.

    ``quiet_s`` (s, default 0.2): after so long without news the server is asked whether it is
    still there, and whoever waits looks for himself.
    ``first_backoff_s``, ``longest_backoff_s`` (s, defaults 0.025 and 0.2): between attempts to
    subscribe again, doubling, with full jitter; for ever.
    """

    url: str
    prefix: str = "bff"
    connection_limit: int = 8
    connect_timeout_s: float = 0.5
    read_timeout_s: float = 0.1
    write_timeout_s: float = 5.0
    reads_per_call: int = 32
    flight_limit: int = 2
    near_cache_rows: int = 0
    quiet_s: float = 0.2
    first_backoff_s: float = 0.025
    longest_backoff_s: float = 0.2

    def __post_init__(self) -> None:
        if not self.prefix or set(self.prefix) & set("{}"):
            raise ValueError("the prefix is a hash tag: not empty, and without braces")

    @property
    def tag(self) -> str:
        """What every key begins with: ``{bff}``."""
        return f"{{{self.prefix}}}"
