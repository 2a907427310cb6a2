"""The services that own the data: where they are, and how they are called."""

from pydantic import Field, HttpUrl

from gateway.sections.field_kinds import Milliseconds, Seconds, Section
from resolvers.upstream.adaptive_limit import AdaptiveLimitOptions
from resolvers.upstream.options import (
    BreakerOptions,
    HedgeOptions,
    HttpClient,
    RetryOptions,
    UpstreamOptions,
)


class ServiceSettings(Section):
    """The way to the order, customer and product services."""

    orders_url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8001"), description="The order service.")
    customers_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8002"), description="The customer service."
    )
    products_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8003"), description="The product service."
    )
    http_client: HttpClient = Field(
        "http1",
        description="Who speaks HTTP to the services. A call costs three times as much with "
        "aiohttp, and thirty times with httpx; both are there to fall back on.",
    )
    attempt_timeout_s: Seconds = Field(
        1.0, ge=0.01, le=60, description="The longest one call to a service may take."
    )
    in_flight_limit: int = Field(
        64, ge=1, le=1024, description="Calls on the wire to one service at a time, at most."
    )
    in_flight_floor: int = Field(
        4,
        ge=1,
        le=1024,
        description="Calls on the wire to one service that stay allowed while it is slow or drops "
        "calls; as high as the limit, the limit is fixed.",
    )
    retries: int = Field(
        2,
        ge=0,
        le=10,
        description="How often a call that failed is made once more, within a tenth of all calls: "
        "a read, or a write with an idempotency key; 0 turns it off.",
    )
    hedge: bool = Field(
        True,
        description="Ask a second time when a read is later than nineteen of twenty, within a "
        "twentieth of all calls; the first answer counts.",
    )
    live_fresh_ms: Milliseconds = Field(
        500,
        ge=0,
        le=60_000,
        description="How long an owner's answer is kept for readers whose tokens allow it, so that "
        "not everybody asks for a row that everybody looks at; 0 shares none.",
    )
    live_revalidate_ms: Milliseconds = Field(
        1000,
        ge=0,
        le=60_000,
        description="How long after that it is still shown at once, while one call in the "
        "background asks anew; never beyond the shortest staleness budget. With 0 readers wait.",
    )
    stale_if_error_s: Seconds = Field(
        60.0,
        ge=0,
        le=3600,
        description="How old a row or a list may be that is shown, and told, in place of the "
        "failure of its service; 0 shows the failure.",
    )

    guess_ahead: bool = Field(
        True,
        description="Ask for the customer and products of an order beside the order itself, where "
        "it is known whom it used to lead to. At most a tenth of such reads may be for nothing, "
        "else there are none for a while.",
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

    def upstream_options(self, url: str) -> UpstreamOptions:
        """How the service at ``url`` is called; slow is what takes half of the time it may."""
        return UpstreamOptions(
            base_url=url,
            http_client=self.http_client,
            attempt_timeout_s=self.attempt_timeout_s,
            in_flight_limit=self.in_flight_limit,
            adaptive=AdaptiveLimitOptions(floor_count=self.in_flight_floor),
            breaker=BreakerOptions(slow_call_s=self.attempt_timeout_s / 2),
            retry=RetryOptions(limit_count=self.retries),
            hedge=HedgeOptions(is_on=self.hedge),
        )
