"""Which fault strikes which request, and that the same seed strikes the same ones."""

from random import Random
from statistics import quantiles

import pytest
from pydantic import ValidationError

from upstream_stubs.fault_rules import (
    Ending,
    Failure,
    FaultPlan,
    FaultRule,
    FaultSet,
    Latency,
    draw_plan,
)


def plan_for(*rules: FaultRule, method: str = "GET", path: str = "/orders/o-1") -> FaultPlan:
    return draw_plan(FaultSet(rules=rules), method, path, Random(1))


@pytest.mark.parametrize(
    ("prefix", "path", "is_covered"),
    [
        ("/", "/orders", True),
        ("/orders", "/orders", True),
        ("/orders", "/orders/o-1", True),
        ("/orders/o-1", "/orders/o-10", False),
        ("/orders", "/events", False),
    ],
)
def test_rule_covers_whole_segments(*, prefix: str, path: str, is_covered: bool) -> None:
    """A rule covers its path and what lies under it, and o-10 does not lie under o-1."""
    assert FaultRule(path=prefix, hang=True).covers("GET", path) is is_covered


def test_rule_for_a_method_spares_the_others() -> None:
    """A rule with methods strikes only these."""
    rule = FaultRule(path="/", methods=("POST",), refuse=True)

    assert plan_for(rule, method="POST").ending is Ending.REFUSE
    assert plan_for(rule, method="GET") == FaultPlan()


def test_delays_add_up_and_the_first_ending_wins() -> None:
    """Several rules may strike one request."""
    plan = plan_for(
        FaultRule(path="/", latency_ms=Latency(fixed=200)),
        FaultRule(path="/", latency_ms=Latency(fixed=300), error_rate=1, status=503),
        FaultRule(path="/", hang=True, slow_body_ms=1000),
    )

    assert plan == FaultPlan(delay_s=0.5, ending=Failure(503, None), slow_body_s=1.0)


def test_error_rate_is_the_share_that_fails() -> None:
    """Of many requests under a rate of 0.3, about three in ten fail."""
    faults = FaultSet(rules=(FaultRule(path="/", error_rate=0.3),))
    random = Random(7)

    plans = [draw_plan(faults, "GET", "/x", random) for _ in range(2000)]

    assert sum(plan.ending is not None for plan in plans) == pytest.approx(600, abs=60)


def test_rate_is_the_share_that_is_struck() -> None:
    """A slow tail of one in ten slows one in ten."""
    faults = FaultSet(rules=(FaultRule(path="/", rate=0.1, latency_ms=Latency(fixed=500)),))
    random = Random(7)

    plans = [draw_plan(faults, "GET", "/x", random) for _ in range(2000)]

    assert sum(plan.delay_s > 0 for plan in plans) == pytest.approx(200, abs=40)


def test_fitted_latency_has_its_median_and_its_99th_percentile() -> None:
    """Delays drawn from p50 and p99 have these percentiles, within a tenth or two."""
    latency = Latency(p50=50, p99=800)
    random = Random(3)

    percentiles = quantiles((latency.draw_s(random) for _ in range(20_000)), n=100)

    assert percentiles[49] == pytest.approx(0.050, rel=0.1)
    assert percentiles[98] == pytest.approx(0.800, rel=0.2)


def test_same_seed_repeats_the_run() -> None:
    """Two runs of the same requests under the same seed are struck alike; another seed is not."""
    rule = FaultRule(path="/", rate=0.5, error_rate=0.5, latency_ms=Latency(p50=5, p99=50))
    faults = FaultSet(rules=(rule,))

    def run(seed: int) -> list[FaultPlan]:
        random = Random(seed)
        return [draw_plan(faults, "GET", "/x", random) for _ in range(50)]

    assert run(1) == run(1)
    assert run(1) != run(2)


@pytest.mark.parametrize(
    "rule",
    [
        {"path": "/"},
        {"path": "orders", "hang": True},
        {"path": "/", "hang": 1},
        {"path": "/", "hnag": True},
        {"path": "/", "errorRate": 1.5},
        {"path": "/", "errorRate": 1, "status": 200},
        {"path": "/", "latencyMs": {}},
        {"path": "/", "latencyMs": {"p50": 5}},
        {"path": "/", "latencyMs": {"p50": 5, "p99": 4}},
        {"path": "/", "latencyMs": {"fixed": 5, "p50": 5, "p99": 9}},
        {"path": "/", "slowBodyMs": -1},
        {"path": "/", "methods": ["get"], "hang": True},
        {"path": "/orders", "holdEvents": True},
    ],
)
def test_rule_that_means_nothing_is_refused(rule: dict[str, object]) -> None:
    """A rule without a fault, with an impossible number or a misspelt name is not taken."""
    with pytest.raises(ValidationError):
        FaultRule.model_validate(rule)
