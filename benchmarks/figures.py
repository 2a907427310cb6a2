"""A figure: what was measured, what was hoped for, and what the same run measured beside it."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """What a figure comes to."""

    PASS = "pass"
    SHORT = "falls short"
    TOLD = "–"
    """There is no aim: it is told so that the others can be understood."""


@dataclass(frozen=True, slots=True)
class AtLeast:
    """More is better."""

    bound: float

    def __str__(self) -> str:
        return f"≥ {render(self.bound)}"

    def allows(self, value: float) -> bool:
        return value >= self.bound


@dataclass(frozen=True, slots=True)
class AtMost:
    """Less is better."""

    bound: float

    def __str__(self) -> str:
        return f"≤ {render(self.bound)}"

    def allows(self, value: float) -> bool:
        return value <= self.bound


@dataclass(frozen=True, slots=True)
class Exactly:
    """Neither more nor less."""

    bound: float

    def __str__(self) -> str:
        return f"= {render(self.bound)}"

    def allows(self, value: float) -> bool:
        return value == self.bound


Aim = AtLeast | AtMost | Exactly


@dataclass(frozen=True, slots=True)
class Control:
    """The same quantity, in the same run, of the least that could be done; in the same unit."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. ``note`` says under which circumstances."""

    name: str
    value: float
    unit: str
    aim: Aim | None = None
    control: Control | None = None
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.aim is None:
            return Verdict.TOLD
        return Verdict.PASS if self.aim.allows(self.value) else Verdict.SHORT

    @property
    def ratio(self) -> float | None:
        """The figure over its control; None without one, or over nothing."""
        if self.control is None or not self.control.value:
            return None
        return self.value / self.control.value

    def as_line(self) -> dict[str, object]:
        """For a line of JSON."""
        return {
            "figure": self.name,
            "value": self.value,
            "unit": self.unit,
            "aim": None if self.aim is None else str(self.aim),
            "verdict": self.verdict.value,
            "control": None if self.control is None else asdict(self.control),
            "ratio": self.ratio,
            "note": self.note,
        }


WHOLE_FROM: Final = 100


def render(value: float) -> str:
    """Three digits or so: more would be noise.

    >>> render(12345.6), render(12.34), render(0.0456), render(0.0), render(-2.5)
    ('12,346', '12.3', '0.046', '0', '-2.50')
    """
    size = abs(value)
    if not size:
        return "0"
    if size >= WHOLE_FROM:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"
