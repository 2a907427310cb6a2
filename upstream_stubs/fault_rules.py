"""Which fault strikes which request: the rules, and the draw that turns them into one plan.

The rule: all chance comes from one seeded generator, in the order of the requests, so a run
repeats. Nothing here waits or sends; `faults` carries the plan out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from upstream_stubs.request_parsing import Body

LONGEST_MS: Final = 60_000
P99_DEVIATIONS: Final = 2.3263
"""The 99th percentile of a normal distribution lies this many standard deviations up."""

Milliseconds = Annotated[float, Field(gt=0, le=LONGEST_MS, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
UrlPath = Annotated[str, StringConstraints(pattern=r"^/", max_length=200)]
Method = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,10}$")]


class Latency(Body):
    """A fixed delay, or a lognormal one fitted to its median and its 99th percentile."""

    fixed: Milliseconds | None = None
    p50: Milliseconds | None = None
    p99: Milliseconds | None = None

    @model_validator(mode="after")
    def _is_one_distribution(self) -> Self:
        fitted = (self.p50, self.p99)
        if (self.fixed is None) == (fitted == (None, None)) or fitted.count(None) == 1:
            raise ValueError("needs either fixed, or p50 and p99")
        if self.p50 is not None and self.p99 is not None and self.p50 > self.p99:
            raise ValueError("p50 must not be above p99")
        return self

    def draw_s(self, random: Random) -> float:
        """One delay in seconds, 60 s at most."""
        if self.p50 is None or self.p99 is None:
            return (self.fixed or 0.0) / 1000
        spread = math.log(self.p99 / self.p50) / P99_DEVIATIONS
        return min(random.lognormvariate(math.log(self.p50), spread), LONGEST_MS) / 1000


class FaultRule(Body):
    """What befalls the requests under ``path`` (whole segments; ``/`` is all of them).

    ``rate`` is the share of them that is struck at all; ``error_rate`` the share answered with
    ``status``.
    """

    path: UrlPath
    methods: tuple[Method, ...] | None = None
    rate: Share = 1.0
    latency_ms: Latency | None = None
    error_rate: Share | None = None
    status: Annotated[int, Field(ge=400, le=599)] = 500
    retry_after_s: Annotated[int, Field(ge=0, le=3600)] | None = None
    hang: bool = False
    refuse: bool = False
    malformed: bool = False
    wrong_schema: bool = False
    drop_answer: bool = False
    cut_body: bool = False
    slow_body_ms: Milliseconds | None = None
    hold_events: bool = False

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        flags = (*endings_of(self).values(), self.hold_events)
        if not any(flags) and (self.latency_ms, self.error_rate, self.slow_body_ms) == (None,) * 3:
            raise ValueError("the rule names no fault")
        if self.hold_events and not self.covers("GET", "/events"):
            raise ValueError("holdEvents needs a path that covers GET /events")
        return self

    def covers(self, method: str, path: str) -> bool:
        """Whether a request is under this rule."""
        prefix = self.path.rstrip("/")
        is_under = path == prefix or path.startswith(f"{prefix}/")
        return is_under and (self.methods is None or method in self.methods)


class FaultSet(Body):
    """All rules in force, tried in order, and the seed of their chances."""

    seed: int = 1
    rules: Annotated[tuple[FaultRule, ...], Field(max_length=100)]

    @property
    def holds_events(self) -> bool:
        return any(rule.hold_events for rule in self.rules)

    def render(self) -> str:
        rules = ",".join(
            rule.model_dump_json(by_alias=True, exclude_defaults=True) for rule in self.rules
        )
        return f'{{"seed":{self.seed},"rules":[{rules}]}}'


class Ending(Enum):
    """How a struck request ends instead of being answered properly."""

    HANG = auto()
    REFUSE = auto()
    MALFORMED = auto()
    WRONG_SCHEMA = auto()
    DROP_ANSWER = auto()
    CUT_BODY = auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """The request is answered with this status."""

    status: int
    retry_after_s: int | None


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What befalls one request: first the delay, then its ending (None: a proper answer)."""

    delay_s: float = 0.0
    ending: Ending | Failure | None = None
    slow_body_s: float = 0.0


def draw_ending(rule: FaultRule, random: Random) -> Ending | Failure | None:
    """How this rule ends the request, if it does; the error rate is drawn first."""
    if rule.error_rate is not None and random.random() < rule.error_rate:
        return Failure(rule.status, rule.retry_after_s)
    return next((ending for ending, is_set in endings_of(rule).items() if is_set), None)


def endings_of(rule: FaultRule) -> Mapping[Ending, bool]:
    """Which endings the rule names, in the order in which they win."""
    return {
        Ending.HANG: rule.hang,
        Ending.REFUSE: rule.refuse,
        Ending.MALFORMED: rule.malformed,
        Ending.WRONG_SCHEMA: rule.wrong_schema,
        Ending.DROP_ANSWER: rule.drop_answer,
        Ending.CUT_BODY: rule.cut_body,
    }


def draw_plan(faults: FaultSet, method: str, path: str, random: Random) -> FaultPlan:
    """One request's fate: delays add up, the first ending wins, the slowest body wins."""
    delay_s, slow_body_s = 0.0, 0.0
    ending: Ending | Failure | None = None
    for rule in faults.rules:
        if not rule.covers(method, path) or random.random() >= rule.rate:
            continue
        delay_s += rule.latency_ms.draw_s(random) if rule.latency_ms else 0.0
        slow_body_s = max(slow_body_s, (rule.slow_body_ms or 0.0) / 1000)
        drawn = draw_ending(rule, random)
        ending = ending or drawn
    return FaultPlan(delay_s, ending, slow_body_s)
