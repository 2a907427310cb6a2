"""How Kafka is reached and read: every number with its unit, default, range and reason.

The rule: what decides about correctness is no option. Offsets never start at "latest", nothing is
committed on Kafka's own account, records of open or aborted transactions are not read, and no topic
comes into being because we asked for it.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from projections.versions import AggregateType

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """Who we are to the brokers, and how the connection is secured.

    ``username`` and ``password`` hold for the SASL protocols. The files are PEM; without
    ``ca_file`` the system's certificates are trusted, without ``certificate_file`` (with its
    ``key_file``) we show none.
    """

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None

    def ssl_context(self) -> ssl.SSLContext | None:
        """What to secure connections with; None for the plain protocols. Reads the files."""
        if self.protocol not in {"SSL", "SASL_SSL"}:
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def default_topics() -> dict[str, str]:
    """The topic of each source: ``orders.events`` and so on."""
    return {of_type.source: f"{of_type.source}.events" for of_type in AggregateType}


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaOptions:
    """How Kafka is read.

    What is read:

    - ``bootstrap_servers``: ``host:port``, several with commas.
    - ``topics``: the topic of each source.
    - ``group_id``: projectors of one read model share a group (default ``bff-projectors``).
    - ``has_heartbeats``: the relays send heartbeats, and only they prove how current a partition
      is, so that a dead relay shows as age (default). False, for relays that send none: then having
      read the log to its end is the proof, and a dead relay goes unseen.

    How much at once:

    - ``batch_limit``: records in a batch (count, default 500, 1 to 10 000): one apply takes a few
      milliseconds. A partition that holds twice as many unread is paused.
    - ``record_limit_bytes``: key and value of a record (default 1 MiB, Kafka's own limit for a
      batch). A larger one stops its partition, for a state that big is a mistake somewhere.

    How long things take (seconds):

    - ``wait_s``: how long a quiet fetch lasts (default 1.0, 0 to 30): the pace of proofs.
    - ``poll_s``: how long a broker holds a poll (default 0.1, 0.01 to 5). New records end it at
      once; but a partition that was paused joins the next poll only.
    - ``silence_limit_s``: a partition whose broker answers nothing for so long is unavailable
      (default 5, above ``poll_s``).
    - ``request_timeout_s``: one request (default 15; above ``rebalance_timeout_s``, for a join is
      answered when everybody has joined).
    - ``session_timeout_s``: a member not heard of for so long has lost its partitions (default 6,
      the least that brokers allow by default): a killed projector is missed no sooner.
    - ``heartbeat_interval_s``: how often a member is heard of, and learns of a rebalance (default
      1, at most a third of the session).
    - ``rebalance_timeout_s``: how long a member may take to let go of its partitions (default 10).
    - ``metadata_max_age_s``: new partitions, and topics made anew, are noticed after so long at
      most (default 5).
    - ``commit_interval_s``: how often offsets are committed, for tools that show lag (default 5).
    - ``watch_interval_s``: how often a member looks whether brokers and topics are there
      (default 5).
    - ``reopen_after_s``: after so long without any broker the member starts anew from the bootstrap
      servers, since all others may have moved (default 30).
    - ``first_backoff_s`` to ``longest_backoff_s``: pauses before starting anew, doubling with full
      jitter (defaults 0.2 to 5).
    """

    bootstrap_servers: str
    topics: Mapping[str, str] = field(default_factory=default_topics)
    group_id: str = "bff-projectors"
    has_heartbeats: bool = True
    security: KafkaSecurity = KafkaSecurity()
    batch_limit: int = 500
    record_limit_bytes: int = 1024 * 1024
    wait_s: float = 1.0
    poll_s: float = 0.1
    silence_limit_s: float = 5.0
    request_timeout_s: float = 15.0
    session_timeout_s: float = 6.0
    heartbeat_interval_s: float = 1.0
    rebalance_timeout_s: float = 10.0
    metadata_max_age_s: float = 5.0
    commit_interval_s: float = 5.0
    watch_interval_s: float = 5.0
    reopen_after_s: float = 30.0
    first_backoff_s: float = 0.2
    longest_backoff_s: float = 5.0
