"""What may happen in a schedule, said once for both who make schedules up.

An act is a Hypothesis rule, and carries with it how often it should be drawn and from what, for
schedules that follow from a seed alone (`seeded.py`). A domain begins with its plainest value.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

Machine = TypeVar("Machine", bound=RuleBasedStateMachine)
Domain = tuple[Any, ...]
"""The values an argument may have; one that is there twice is drawn twice as often."""


@dataclass(frozen=True, slots=True)
class Act:
    """One rule. ``is_possible``: whether there is anything for it to do now."""

    name: str
    weight: float
    domains: Mapping[str, Domain]
    is_possible: Callable[[Any], bool]
    is_fault: bool


def act(
    weight: float = 1.0,
    *,
    when: Callable[[Any], bool] | None = None,
    is_fault: bool = False,
    **domains: Domain,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a method a rule whose arguments are drawn from these domains.

    ``is_fault``: a schedule may do without it, so that others have more of the rest.
    """

    def decorate(method: Callable[..., None]) -> Callable[..., None]:
        strategies: dict[str, Any] = {n: st.sampled_from(domain) for n, domain in domains.items()}
        make_rule: Any = rule  # its overloads know no arguments by names of ours
        ruled: Callable[..., None] = make_rule(**strategies)(method)
        if when is not None:
            ruled = precondition(when)(ruled)
        is_possible = when or (lambda _: True)
        vars(ruled)["act"] = Act(method.__name__, weight, domains, is_possible, is_fault)
        return ruled

    return decorate


def acts_of(machine: type[RuleBasedStateMachine]) -> Iterator[Act]:
    """Every act of a machine, in the order of their names."""
    for name in sorted(dir(machine)):
        found = getattr(getattr(machine, name), "act", None)
        if isinstance(found, Act):
            yield found
