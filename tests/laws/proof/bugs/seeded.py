"""A seeded bug: what a tired person might have written, and who has to find it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from tests.laws.proof.bugs.stage import Stage
from tests.laws.proof.violations import Law

Patch = Callable[[], AbstractContextManager[object]]
"""Puts the bug into the product for as long as its context is open."""

Story = Callable[[Stage], None]
"""One schedule, written down: the shortest day on which the bug does harm."""

STORY_BUDGET_S: Final = 3.0
"""How much processor time (s) it may take to catch a bug by its story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One bug. ``told`` is one sentence; ``law`` is the promise whose checker must catch it.

    Its budget is one schedule, the story, and `STORY_BUDGET_S`.
    """

    name: str
    told: str
    patch: Patch
    story: Story
    law: Law
