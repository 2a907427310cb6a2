"""Where events come from: the services' feeds, or Kafka and how it lets us in."""

from typing import Literal

from pydantic import Field, SecretStr

from gateway.sections.field_kinds import Section
from projections.consumer import ConsumerOptions


class EventSettings(Section):
    """The source of the projection."""

    events: Literal["feed", "kafka", "none"] = Field(
        "feed",
        description="Where events come from: the services' own feeds, Kafka, or nowhere: no "
        "projection, every read is composed live.",
    )
    kafka_bootstrap_servers: str = Field(
        "127.0.0.1:9092",
        pattern=r"^[^,\s]+:\d{1,5}(,[^,\s]+:\d{1,5})*$",
        description="Brokers to begin with: `host:port`, several with commas between.",
    )
    kafka_group: str = Field(
        "bff-projectors",
        pattern=r"^[A-Za-z0-9._-]{1,200}$",
        description="The consumer group in which projectors share the partitions.",
    )
    kafka_topic_suffix: str = Field(
        ".events",
        pattern=r"^[A-Za-z0-9._-]{0,200}$",
        description="What follows the service's name in the name of its topic: `orders.events`.",
    )
    kafka_heartbeats: bool = Field(
        True,
        description="The services' relays send heartbeats, so that one that stands still shows. "
        "Without them the age of a projection is measured from Kafka on only.",
    )
    kafka_record_limit_bytes: int = Field(
        1024 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        description="The largest event; a larger one stops its partition rather than be skipped.",
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How brokers are spoken to."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How we prove who we are, where SASL is used."
    )
    kafka_user: str | None = Field(None, description="Our name at the brokers, for SASL.")
    kafka_password: SecretStr | None = Field(None, description="Its password.")
    poison_limit_ratio: float = Field(
        0.05,
        ge=0,
        le=1,
        description="A larger share of unreadable events stops a partition instead of setting "
        "them aside, as after a bad deployment; 1 never stops.",
    )

    def consumer_options(self) -> ConsumerOptions:
        """How one partition is consumed."""
        return ConsumerOptions(poison_limit_ratio=self.poison_limit_ratio)
