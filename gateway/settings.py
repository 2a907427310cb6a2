"""Every setting of the gateway: name, unit, default, range and reason, read from one mapping.

The rule: nothing else reads the environment, and no setting is guessed. A name of our prefix that
does not exist stops the start and is answered with the nearest right one.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, RedisDsn, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from gateway.settings_refusals import unknown_name, wrong_value
from projections.consumer import ConsumerOptions
from projections.feed import FeedOptions
from projections.token_codec import LIFETIME_MINUTES, MAX_LIFETIME_MINUTES, TokenKeys
from resolvers.reading import ReadOptions
from resolvers.upstream.options import UpstreamOptions

PREFIX = "BFF_"
NONE: Mapping[str, object] = {}

Seconds = Annotated[float, Field(json_schema_extra={"unit": "s"})]
Milliseconds = Annotated[int, Field(json_schema_extra={"unit": "ms"})]


class SettingsError(Exception):
    """The environment does not describe a gateway; every problem is a line of the text."""


class Settings(BaseModel):
    """All settings, frozen. The field ``port`` is the variable ``BFF_PORT``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        "127.0.0.1", description="Address to listen on; only this machine by default."
    )
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    orders_url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8001"), description="The order service.")
    customers_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8002"), description="The customer service."
    )
    products_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8003"), description="The product service."
    )
    events: Literal["feed", "kafka", "none"] = Field(
        "feed",
        description="Where events come from: the services' own feeds, Kafka, or nowhere: no "
        "projection, every read is composed live.",
    )
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
    near_cache_rows: int = Field(
        10_000,
        ge=0,
        le=10_000_000,
        description="Rows of Redis that a gateway keeps at hand, about 2 KB each; 0 for none.",
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
    feed_wait_s: Seconds = Field(
        1.0, ge=0.05, le=30, description="How long a service may hold a poll of its quiet feed."
    )
    request_timeout_s: Seconds = Field(
        2.0, ge=0.05, le=60, description="The deadline of a request, set at the door."
    )
    attempt_timeout_s: Seconds = Field(
        1.0, ge=0.01, le=60, description="The longest one call to a service may take."
    )
    in_flight_limit: int = Field(
        16, ge=1, le=1024, description="Calls on the wire to one service at a time."
    )
    wait_cap_ms: Milliseconds = Field(
        250, ge=0, le=5000, description="The longest a read waits for the projection."
    )
    token_keys: SecretStr | None = Field(
        None,
        description="Keys that sign consistency tokens, `id:base64` and, while keys are rotated, "
        "a second after a comma; the first signs. `bff token key` makes one. The same in all "
        "gateways. `bff dev` keeps one of its own.",
    )
    token_keys_file: Path | None = Field(
        None, description="A file that holds these keys instead, as secrets are mounted."
    )
    token_lifetime_min: int = Field(
        LIFETIME_MINUTES,
        ge=1,
        le=MAX_LIFETIME_MINUTES,
        description="Minutes after which a token demands nothing any more.",
        json_schema_extra={"unit": "min"},
    )
    token_cookie: bool = Field(
        False,
        description="Also hand the joined token out as a cookie (HttpOnly, SameSite=Lax), so that "
        "a browser reads its own writes without code. A cookie that comes is always honoured.",
    )
    subject_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="Header in which a trusted proxy names the caller's session; tokens are bound "
        "to it. Without it all callers are one subject.",
    )
    body_limit_bytes: int = Field(
        256 * 1024, ge=1024, le=16 * 1024 * 1024, description="The largest request body."
    )
    query_token_limit: int = Field(
        1000, ge=50, le=20_000, description="Lexical tokens of one document."
    )
    query_depth_limit: int = Field(15, ge=3, le=100, description="Nesting of one document.")
    query_cost_limit: int = Field(
        7_500,
        ge=100,
        le=10_000_000,
        description="Fields one answer may have, estimated before anything runs from the page "
        "sizes and ten lines an order. The executor takes some 20 µs a field, during which "
        "nobody else is served.",
    )
    playground: bool = Field(False, description="Show the playground to browsers. On in `bff dev`.")
    introspection: bool = Field(
        False, description="Tell clients the schema, and hints for misspelt names. On in `bff dev`."
    )
    drain_ms: Milliseconds = Field(
        1000,
        ge=0,
        le=5000,
        description="How long a gateway that is asked to stop still takes requests, telling its "
        "clients to go elsewhere; 0 on Ctrl-C.",
    )
    data_dir: str = Field(".data", min_length=1, description="Where `bff dev` keeps its data.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines look.")

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, defaults: Mapping[str, object] = NONE
    ) -> Self:
        """Read the variables of our prefix; ``defaults`` of a role give way to them.

        Raises `SettingsError` with every problem and what to write instead.
        """
        given = {k: v for k, v in environment.items() if k.startswith(PREFIX)}
        known = [variable_name(field) for field in cls.model_fields]
        if problems := [unknown_name(name, known) for name in given if name not in known]:
            raise SettingsError("\n".join(problems))
        values = {**defaults, **{_field(name): value for name, value in given.items()}}
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError("\n".join(_wrong_values(error))) from None
        if settings.events == "kafka" and settings.store == "memory":
            raise SettingsError(
                f"{PREFIX}EVENTS=kafka needs {PREFIX}STORE=redis: projectors share the partitions "
                "of Kafka, so the rows have to be where all of them can write"
            )
        return settings

    @property
    def service_urls(self) -> dict[str, str]:
        """Where each service lives, by name, without a slash at the end."""
        urls = {
            "orders": self.orders_url,
            "customers": self.customers_url,
            "products": self.products_url,
        }
        return {service: str(url).rstrip("/") for service, url in urls.items()}

    def read_token_keys(self) -> TokenKeys:
        """The signing keys; raises `SettingsError`, not quoting them, if they cannot be used."""
        name, text = self._given_token_keys()
        try:
            return TokenKeys.parse(text)
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from None

    @property
    def has_token_keys(self) -> bool:
        """Whether any are given; whether they can be used, reading them tells."""
        return not (self.token_keys is None and self.token_keys_file is None)

    def _given_token_keys(self) -> tuple[str, str]:
        """The variable that gives the keys, and their text."""
        name = f"{PREFIX}TOKEN_KEYS"
        match self.token_keys, self.token_keys_file:
            case SecretStr() as keys, None:
                return name, keys.get_secret_value()
            case None, Path() as file:
                try:
                    return f"{name}_FILE", file.read_text(errors="replace").strip()
                except OSError as error:
                    raise SettingsError(f"{name}_FILE: {error.strerror}: {file}") from None
            case None, None:
                raise SettingsError(
                    f"{name}: there is no key to sign consistency tokens with; "
                    "`bff token key` makes one, the same for all gateways"
                )
            case _:
                raise SettingsError(f"{name} and {name}_FILE: one of them is enough")

    def upstream_options(self, url: str) -> UpstreamOptions:
        """How the service at ``url`` is called."""
        return UpstreamOptions(
            base_url=url,
            attempt_timeout_s=self.attempt_timeout_s,
            in_flight_limit=self.in_flight_limit,
        )

    def feed_options(self) -> FeedOptions:
        """How feeds are polled."""
        return FeedOptions(wait_s=self.feed_wait_s)

    def consumer_options(self) -> ConsumerOptions:
        """How one partition is consumed."""
        return ConsumerOptions(poison_limit_ratio=self.poison_limit_ratio)

    def read_options(self) -> ReadOptions:
        """How reads wait; a source that missed three polls is not waited for."""
        return ReadOptions(
            wait_cap_s=self.wait_cap_ms / 1000,
            live_reserve_s=min(0.5, self.request_timeout_s / 4),
            stalled_after_s=3 * max(1.0, self.feed_wait_s),
        )


def variable_name(field: str) -> str:
    """``port`` → ``BFF_PORT``."""
    return PREFIX + field.upper()


def unit_of(field: FieldInfo) -> str:
    """The unit of a setting, empty where it has none."""
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _field(name: str) -> str:
    return name.removeprefix(PREFIX).lower()


def _wrong_values(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        yield wrong_value(variable_name(str(detail["loc"][0])), detail["msg"], detail["input"])
