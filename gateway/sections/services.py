"""The services that own the data: where they are, and how they are called."""

from pydantic import Field, HttpUrl

from gateway.sections.field_kinds import Milliseconds, Seconds, Section
from resolvers.upstream.options import AdaptiveLimitOptions, SharingOptions, UpstreamOptions


class ServiceSettings(Section):
    """The way to the order, customer and product services."""

    orders_url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8001"), description="The order service.")
    customers_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8002"), description="The customer service."
    )
    products_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8003"), description="The product service."
    )
    attempt_timeout_s: Seconds = Field(
        1.0, ge=0.01, le=60, description="The longest one call to a service may take."
    )
    in_flight_limit: int = Field(
        16, ge=1, le=1024, description="Calls on the wire to one service at a time, at most."
    )
    in_flight_floor: int = Field(
        4,
        ge=1,
        le=1024,
        description="Calls on the wire to one service that stay allowed while it is slow or drops "
        "calls; as high as the limit, the limit is fixed.",
    )
    live_fresh_ms: Milliseconds = Field(
        500,
        ge=0,
        le=60_000,
        description="How long an owner's answer is kept for readers whose tokens allow it, so that "
        "not everybody asks for a row that everybody looks at; 0 keeps none.",
    )

    @property
    def service_urls(self) -> dict[str, str]:
        """Where each service lives, by name, without a slash at the end."""
        urls = {
            "orders": self.orders_url,
            "customers": self.customers_url,
            "products": self.products_url,
        }
        return {service: str(url).rstrip("/") for service, url in urls.items()}

    def sharing_options(self) -> SharingOptions:
        """How far readers share the answers to live reads; an absence is kept for less."""
        fresh_s = self.live_fresh_ms / 1000
        return SharingOptions(fresh_s=fresh_s, absent_fresh_s=min(0.1, fresh_s))

    def upstream_options(self, url: str) -> UpstreamOptions:
        """How the service at ``url`` is called."""
        return UpstreamOptions(
            base_url=url,
            attempt_timeout_s=self.attempt_timeout_s,
            in_flight_limit=self.in_flight_limit,
            adaptive=AdaptiveLimitOptions(floor_count=self.in_flight_floor),
        )
