"""What a PromQL expression names: enough of the language to hold rules and panels to the code."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.metrics.names import FAMILIES, HISTOGRAM, LABELS

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[a-zA-Z_:$][\w:$]*)|(?P<number>\d+(?:\.\d+)?)
    |(?P<range>\[(?:\d+[smhd]|\$__rate_interval)\])|(?P<sign>=~|!~|!=|==|>=|<=|[-+*/<>=(){},]))""",
    re.VERBOSE,
)
FUNCTIONS = {
    *("sum", "max", "rate", "increase", "changes", "avg_over_time", "histogram_quantile"),
    *("by", "and", "or", "on"),
}
FOREIGN = {"up": {"job", "instance"}}
"""Metrics that Prometheus makes itself."""

EVERYWHERE = {"job", "instance"}


class Nonsense(Exception):
    """It is no expression, or names what there is not."""


@dataclass
class Named:
    """The metrics of an expression with what is asked of their labels, and labels elsewhere."""

    matchers: list[tuple[str, str, str]] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)


def series() -> Mapping[str, set[str]]:
    """Every series that a gateway shows, with its labels."""
    shown: dict[str, set[str]] = dict(FOREIGN)
    for of in FAMILIES:
        labels = {*of.labels} | EVERYWHERE
        if of.kind == HISTOGRAM:
            shown[f"{of.name}_bucket"] = labels | {"le"}
            shown |= {f"{of.name}_count": labels, f"{of.name}_sum": labels}
        else:
            shown[of.name] = labels
    return shown


def check(expression: str, recorded: set[str]) -> None:
    """Raise `Nonsense` unless all that is named is there. ``recorded``: names of rules."""
    tokens, shown = list(tokens_of(expression)), series()
    _check_nesting(tokens)
    metric, is_matching, grouping = "", False, 0
    for at, (kind, token) in enumerate(tokens):
        after = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if token == "{":
            is_matching = True
        elif token == "}":
            is_matching = False
        elif token == "by":
            grouping = 1
        elif token == ")" and grouping:
            grouping = 0
        elif kind != "word":
            continue
        elif is_matching:
            _check_label(metric, token, shown)
            _check_values(token, tokens[at + 2][1])
        elif grouping:
            if token not in set().union(*shown.values()):
                raise Nonsense(f"no label {token}")
        elif token in FUNCTIONS:
            continue
        elif token in shown or token in recorded:
            metric = token
        else:
            raise Nonsense(f"nothing is called {token} (before {after!r})")


def tokens_of(expression: str) -> Iterator[tuple[str, str]]:
    """The parts of an expression; raises `Nonsense` at what is none."""
    at = 0
    while expression[at:].strip():
        found = _TOKEN.match(expression, at)
        if found is None or found.lastgroup is None:
            raise Nonsense(f"at {expression[at : at + 20]!r}")
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


def _check_nesting(tokens: list[tuple[str, str]]) -> None:
    pairs, expected = {"(": ")", "{": "}"}, list[str]()
    for _, token in tokens:
        if token in pairs:
            expected.append(pairs[token])
        elif token in pairs.values() and (not expected or expected.pop() != token):
            raise Nonsense(f"a {token} too much")
    if expected:
        raise Nonsense(f"{expected[-1]} is missing")


def _check_label(metric: str, label: str, shown: Mapping[str, set[str]]) -> None:
    if label not in shown.get(metric, set()):
        raise Nonsense(f"{metric} has no label {label}")


def _check_values(label: str, text: str) -> None:
    if label in LABELS and (unknown := set(text.strip('"').split("|")) - set(LABELS[label])):
        raise Nonsense(f"{label} is never {unknown}")
