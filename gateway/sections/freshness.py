"""How old the projection may be, and how long a read waits for it to become newer.

The rule: what is well never looks dead. A quiet feed proves itself once a poll, and its proof is up
to two polls old before the next one comes, so a poll is never held longer than a third of a budget.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import Field

from gateway.sections.field_kinds import (
    Milliseconds,
    Section,
    SomeMilliseconds,
    SomeSeconds,
    variable_name,
)
from projections.feed import FeedOptions
from projections.versions import AggregateType
from projections.views import STALENESS_BUDGETS_S

MS: Final = 1000
POLLS_A_BUDGET: Final = 3
LONGEST_WAIT_S: Final = FeedOptions().wait_s
"""How long a poll is held (s) where even a third of the budget is longer."""

DEFAULT_BUDGET_MS: Final = round(min(STALENESS_BUDGETS_S.values()) * MS)
SHORTEST_BUDGET_MS: Final = 500
LONGEST_BUDGET_MS: Final = 600_000


def _budget_of(what: str) -> SomeMilliseconds:
    budget: SomeMilliseconds = Field(
        None,
        ge=SHORTEST_BUDGET_MS,
        le=LONGEST_BUDGET_MS,
        description=f"The budget of {what} alone, instead of that.",
    )
    return budget


class FreshnessSettings(Section):
    """Budgets of the read models, and the waits that have to fit into them."""

    staleness_budget_ms: Milliseconds = Field(
        DEFAULT_BUDGET_MS,
        ge=SHORTEST_BUDGET_MS,
        le=LONGEST_BUDGET_MS,
        description="How old the proof that a read model is current may be. With an older one "
        "plain reads ask the owner instead, nobody waits for the projection, and `/readyz` says "
        "`stale`. Relays of Kafka have to send at least two heartbeats in that time.",
    )
    orders_staleness_budget_ms: SomeMilliseconds = _budget_of("orders")
    customers_staleness_budget_ms: SomeMilliseconds = _budget_of("customers")
    products_staleness_budget_ms: SomeMilliseconds = _budget_of("products")
    feed_wait_s: SomeSeconds = Field(
        None,
        ge=0.05,
        le=30,
        description="How long a service may hold a poll of its quiet feed: a third of the shortest "
        "staleness budget at most, and that is what holds where nothing is said, or 1 second.",
    )
    wait_cap_ms: Milliseconds = Field(
        250, ge=0, le=5000, description="The longest a read waits for the projection."
    )

    @property
    def staleness_budgets_s(self) -> Mapping[AggregateType, float]:
        """How old (s) the proof of each read model may be."""
        own = self._own_budgets_ms
        return {of: (own[of] or self.staleness_budget_ms) / MS for of in AggregateType}

    def feed_options(self) -> FeedOptions:
        """How feeds are polled."""
        derived_s = min(LONGEST_WAIT_S, self._longest_feed_wait_s)
        return FeedOptions(wait_s=derived_s if self.feed_wait_s is None else self.feed_wait_s)

    def refuse_long_polls(self) -> str | None:
        """What to set instead, where a quiet feed would spend the budget with nothing wrong."""
        longest_s = self._longest_feed_wait_s
        if self.feed_wait_s is None or self.feed_wait_s <= longest_s:
            return None
        budget = variable_name(self._shortest_budget)
        enough_ms = round(self.feed_wait_s * POLLS_A_BUDGET * MS)
        return (
            f"{variable_name('feed_wait_s')}: a quiet feed that holds polls for "
            f"{self.feed_wait_s:g} s would spend the shortest staleness budget with nothing wrong; "
            f"set it to {longest_s:g} at most, or {budget} to {enough_ms} at least"
        )

    @property
    def _own_budgets_ms(self) -> Mapping[AggregateType, int | None]:
        return {
            AggregateType.ORDER: self.orders_staleness_budget_ms,
            AggregateType.CUSTOMER: self.customers_staleness_budget_ms,
            AggregateType.PRODUCT: self.products_staleness_budget_ms,
        }

    @property
    def _shortest_budget(self) -> str:
        """The setting that gives the shortest budget."""
        budgets_s, own = self.staleness_budgets_s, self._own_budgets_ms
        shortest = min(AggregateType, key=lambda of: budgets_s[of])
        name = "staleness_budget_ms"
        return name if own[shortest] is None else f"{shortest.source}_{name}"

    @property
    def _longest_feed_wait_s(self) -> float:
        # In whole milliseconds, so that what the refusal names is accepted.
        budget_ms = round(min(self.staleness_budgets_s.values()) * MS)
        return budget_ms // POLLS_A_BUDGET / MS
