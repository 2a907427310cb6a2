"""How much one document, and one client, may ask for."""

from pydantic import Field

from gateway.admission.budgets import Budgets
from gateway.admission.client_keys import ClientKeys
from gateway.admission.limits import DocumentLimits
from gateway.admission.rate import RateOptions
from gateway.client_limits import ClientLimits
from gateway.sections.field_kinds import Section


class LimitSettings(Section):
    """What is refused before anything is done for it."""

    query_token_limit: int = Field(
        1000, ge=50, le=20_000, description="Lexical tokens of one document."
    )
    query_operation_limit: int = Field(
        20, ge=1, le=1000, description="Operations of one document, of which a request runs one."
    )
    query_depth_limit: int = Field(15, ge=3, le=100, description="Nesting of one document.")
    query_root_limit: int = Field(
        32, ge=1, le=1000, description="Root fields of an operation: each is a read or a write."
    )
    query_alias_limit: int = Field(
        100, ge=0, le=20_000, description="Aliases of an operation, as often as they are spread."
    )
    query_directive_limit: int = Field(
        100, ge=0, le=20_000, description="Directives of an operation, likewise."
    )
    query_repeat_limit: int = Field(
        100,
        ge=5,
        le=5000,
        description="Fields of a document beyond the first of their response key, which validation "
        "compares pair by pair; of fields with selections of their own a fifth of it.",
    )
    query_field_limit: int = Field(
        2000, ge=10, le=100_000, description="Fields of an operation, fragments written out."
    )
    query_cost_limit: int = Field(
        10_000,
        ge=100,
        le=10_000_000,
        description="What one answer may cost, estimated before anything runs from page sizes and "
        "the prices in the schema (`@cost`, `@listSize`). One is the work of a plain field, on "
        "graphql-core some 20 µs, during which nobody else is served.",
    )

    cost_shown: bool = Field(
        False,
        description="Tell with each answer what it was taken to cost, and what it has cost "
        "(`extensions.cost`). On in `bff dev`.",
    )
    rate_limit: int = Field(
        600_000,
        ge=0,
        le=10**9,
        description="What one client may cost in a minute, steadily; 0 for no limit, as in "
        "`bff dev`. Ten thousand a second are a fifth of a processor; no person comes near it.",
    )
    rate_burst: int = Field(
        60_000,
        ge=1000,
        le=10**9,
        description="What one client may cost at once; at least `BFF_QUERY_COST_LIMIT`.",
    )
    client_in_flight_cost: int = Field(
        20_000,
        ge=1000,
        le=10**9,
        description="What one client may have asked and not been answered, each request taken for "
        "100 at least: two hundred small ones. At least `BFF_QUERY_COST_LIMIT`.",
    )
    trusted_proxies: int | None = Field(
        None,
        ge=0,
        le=6,
        description="Proxies before the gateway that write `X-Forwarded-For`, of which the address "
        "of a client is taken; 0 where there is none. Unset, the header is not read, and only "
        "public addresses tell clients apart. Callers with a subject are told apart by that.",
    )

    def client_limits(self) -> ClientLimits:
        """What one client may ask for."""
        burst_cost = max(self.rate_burst, self.query_cost_limit)
        options = RateOptions(
            is_on=self.rate_limit > 0,
            per_second_cost=max(self.rate_limit, 60) / 60,
            burst_cost=burst_cost,
            in_flight_cost=max(self.client_in_flight_cost, self.query_cost_limit),
            slack_cost=max(burst_cost // 4, self.query_cost_limit),
        )
        return ClientLimits(Budgets(options), ClientKeys(self.trusted_proxies))

    def document_limits(self) -> DocumentLimits:
        """What one document may ask for."""
        return DocumentLimits(
            depth_limit=self.query_depth_limit,
            cost_limit=self.query_cost_limit,
            root_limit=self.query_root_limit,
            alias_limit=self.query_alias_limit,
            directive_limit=self.query_directive_limit,
            field_limit=self.query_field_limit,
            operation_limit=self.query_operation_limit,
            repeat_limit=self.query_repeat_limit,
            nested_repeat_limit=self.query_repeat_limit // 5,
        )
