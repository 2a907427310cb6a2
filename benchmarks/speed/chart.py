"""The chart of the README: processor time a request, as bars on a logarithmic scale, in SVG.

Written by hand, so that a diff shows what changed. Colours do on white and on black.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from benchmarks.figures import render
from benchmarks.speed import rows
from benchmarks.speed.results import Results, cpu_us, range_of

SHOWN: Final = (
    *(rows.NAIVE_LIVE, rows.LIVE, rows.NAIVE_PROJECTION, rows.REDIS, rows.NEAR),
    *(rows.UNKEPT, rows.PROJECTION, rows.HOT),
    *(rows.SAME_POST, rows.SAME_GET, rows.UNCHANGED, rows.RAW),
)
WIDTH: Final = 760
NAME_WIDTH: Final = 220
VALUE_WIDTH: Final = 90
BAR_HEIGHT: Final = 18
STEP: Final = 26
HEAD_HEIGHT: Final = 30
FLOOR_US: Final = 10.0
"""Where bars begin: a logarithm has no zero."""

NAIVE_COLOUR: Final = "#b0574b"
OUR_COLOUR: Final = "#3b7dbb"
RAW_COLOUR: Final = "#7f7f7f"
TEXT_COLOUR: Final = "#808080"


def render_chart(results: Results) -> str:
    """Bars of those rows that were measured."""
    measured = [
        (name, range_of(results[name], cpu_us).median) for name in SHOWN if results.get(name)
    ]
    height = HEAD_HEIGHT + STEP * len(measured)
    greatest_us = max((cost for _, cost in measured), default=FLOOR_US)
    bars = [
        _bar(place, name, cost, length(cost, greatest_us))
        for place, (name, cost) in enumerate(measured)
    ]
    return "\n".join([*_head(height), *(line for bar in bars for line in bar), "</svg>", ""])


def length(cost_us: float, greatest_us: float) -> float:
    """Of a bar, in pixels.

    >>> length(10.0, 1000.0), length(1000.0, 1000.0)
    (1.0, 450.0)
    """
    room = WIDTH - NAME_WIDTH - VALUE_WIDTH
    whole = math.log(max(greatest_us, FLOOR_US * 2) / FLOOR_US)
    return max(1.0, round(room * math.log(max(cost_us, FLOOR_US) / FLOOR_US) / whole, 1))


def _head(height: int) -> Sequence[str]:
    title = "Processor time of the server a request, µs (logarithmic)"
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    font = 'font-family="sans-serif" font-size="13"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>'
    return opening, f"<title>{title}</title>", _text(0, 16, title)


def _bar(place: int, name: str, cost_us: float, long: float) -> Sequence[str]:
    y = HEAD_HEIGHT + STEP * place
    baseline = y + BAR_HEIGHT - 5
    name_text = _text(NAME_WIDTH - 8, baseline, escape(name), ' text-anchor="end"')
    size = f'width="{long:g}" height="{BAR_HEIGHT}"'
    rect = f'<rect x="{NAME_WIDTH}" y="{y}" {size} fill="{_colour(name)}"/>'
    return name_text, rect, _text(NAME_WIDTH + long + 6, baseline, render(cost_us))


def _text(x: float, y: float, text: str, anchor: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}"{anchor} fill="{TEXT_COLOUR}">{text}</text>'


def _colour(name: str) -> str:
    if name.startswith("naive"):
        return NAIVE_COLOUR
    return RAW_COLOUR if name == rows.RAW else OUR_COLOUR
