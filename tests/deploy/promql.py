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
    tokens = list(tokens_of(expression))
    _check_nesting(tokens)
    words = _Words(recorded)
    for at, (kind, token) in enumerate(tokens):
        if kind == "word":
            words.take(token, tokens[at + 2][1] if at + 2 < len(tokens) else "")
        else:
            words.pass_by(token)


@dataclass
class _Words:
    """Reads the words of one expression, each where it stands."""

    recorded: set[str]
    shown: Mapping[str, set[str]] = field(default_factory=series)
    metric: str = ""
    is_matching: bool = False
    is_grouping: bool = False

    def pass_by(self, sign: str) -> None:
        self.is_matching = sign == "{" or (self.is_matching and sign != "}")
        self.is_grouping = self.is_grouping and sign != ")"

    def take(self, word: str, value: str) -> None:
        """``value``: what stands behind the sign behind it."""
        if word == "by":
            self.is_grouping = True
        elif self.is_matching:
            if word not in self.shown.get(self.metric, set()):
                raise Nonsense(f"{self.metric} has no label {word}")
            _check_values(word, value)
        elif self.is_grouping:
            if word not in set().union(*self.shown.values()):
                raise Nonsense(f"no label {word}")
        elif word not in FUNCTIONS:
            self.metric = word
            if word not in self.shown and word not in self.recorded:
                raise Nonsense(f"nothing is called {word}")


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


def _check_values(label: str, text: str) -> None:
    if label in LABELS and (unknown := set(text.strip('"').split("|")) - set(LABELS[label])):
        raise Nonsense(f"{label} is never {unknown}")
