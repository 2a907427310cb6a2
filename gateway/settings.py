"""Every setting of the gateway: name, unit, default, range and reason, read from one mapping.

The rule: nothing else reads the environment, and no setting is guessed. A name of our prefix that
does not exist stops the start and is answered with the nearest right one. What the settings are is
told in `gateway.sections`, one section a subject.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import ValidationError

from gateway.sections.door import DoorSettings
from gateway.sections.events import EventSettings
from gateway.sections.field_kinds import PREFIX, field_name, unit_of, variable_name
from gateway.sections.freshness import FreshnessSettings
from gateway.sections.identity import IdentitySettings
from gateway.sections.limits import LimitSettings
from gateway.sections.services import ServiceSettings
from gateway.sections.store import StoreSettings
from gateway.sections.subscriptions import SubscriptionSettings
from gateway.sections.tokens import TokenSettings
from gateway.sections.watching import WatchingSettings
from gateway.sections.web import WebSettings
from gateway.settings_refusals import SettingsError, unknown_name, wrong_value
from resolvers.read_request import ReadOptions
from resolvers.upstream.options import SharingOptions

NONE: Mapping[str, object] = {}

__all__ = ["PREFIX", "Settings", "SettingsError", "unit_of", "variable_name"]


# pydantic lists the fields of the last class first, and that is the order of the reference.
class Settings(
    WatchingSettings,
    SubscriptionSettings,
    TokenSettings,
    FreshnessSettings,
    StoreSettings,
    EventSettings,
    ServiceSettings,
    WebSettings,
    IdentitySettings,
    LimitSettings,
    DoorSettings,
):
    """All settings, frozen. The field ``port`` is the variable ``BFF_PORT``."""

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
        values = {**defaults, **{field_name(name): value for name, value in given.items()}}
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError("\n".join(_wrong_values(error))) from None
        if problems := list(settings._contradictions()):  # noqa: SLF001 - of this class
            raise SettingsError("\n".join(problems))
        return settings

    def read_options(self) -> ReadOptions:
        """How reads wait; a source whose staleness budget is spent is not waited for."""
        return ReadOptions(
            wait_cap_s=self.wait_cap_ms / 1000,
            live_reserve_s=min(0.5, self.request_timeout_s / 4),
            staleness_budgets_s=self.staleness_budgets_s,
            stale_if_error_s=self.stale_if_error_s,
        )

    def sharing_options(self) -> SharingOptions:
        """How far readers share live answers; an absence is kept for less.

        No row is shown without need that is older than a staleness budget, or where the operator
        wants none to be shared.
        """
        fresh_s = self.live_fresh_ms / 1000
        longest_s = max(0.0, min(self.staleness_budgets_s.values()) - fresh_s) if fresh_s else 0.0
        return SharingOptions(
            fresh_s=fresh_s,
            absent_fresh_s=min(0.1, fresh_s),
            while_revalidate_s=min(self.live_revalidate_ms / 1000, longest_s),
            if_error_s=self.stale_if_error_s,
        )

    def _contradictions(self) -> Iterator[str]:
        """What cannot be true together, each with what to set instead."""
        if self.events == "kafka" and self.store == "memory":
            yield (
                f"{PREFIX}EVENTS=kafka needs {PREFIX}STORE=redis: projectors share the partitions "
                "of Kafka, so the rows have to be where all of them can write"
            )
        is_told = "live_connections" in self.model_fields_set
        if is_told and self.live_connections >= self.connection_limit:
            yield (
                f"{PREFIX}LIVE_CONNECTIONS={self.live_connections} would leave no connection of "
                f"{PREFIX}CONNECTION_LIMIT={self.connection_limit} for anything else: raise that"
            )
        yield from self.identity_contradictions(self.subject_header)
        if self.events == "feed" and (refusal := self.refuse_long_polls()):
            yield refusal


def _wrong_values(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        yield wrong_value(variable_name(str(detail["loc"][0])), detail["msg"], detail["input"])
