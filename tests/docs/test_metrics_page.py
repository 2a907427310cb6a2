"""The page of metrics is the code: each name, kind, label and sentence, both ways."""

import re
from collections.abc import Sequence

from gateway.metrics.names import FAMILIES, LABELS
from gateway.settings import Settings, variable_name
from tests.docs.pages import read, table

PAGE = read("docs/metrics.md")


def test_every_metric_has_its_line() -> None:
    """The table has the families of the code, in their order, and no others."""
    assert table(PAGE, "metric") == [
        [f"`{of.name}`", of.kind, listed(of.labels) or "–", of.about] for of in FAMILIES
    ]


def test_every_label_has_its_values() -> None:
    """Whatever a label may say stands there."""
    assert table(PAGE, "label") == [[f"`{name}`", listed(LABELS[name])] for name in LABELS]


def test_no_name_is_told_that_is_not_shown() -> None:
    """Prose and alerts name metrics, labels and settings that there are."""
    named = set(re.findall(r"\bbff_\w+", PAGE))
    chosen = re.findall(r"\{(\w+)=\"(\w+)\"\}", PAGE)

    assert named == {of.name for of in FAMILIES}
    assert chosen
    assert all(value in LABELS[label] for label, value in chosen)
    assert set(re.findall(r"`(BFF_\w+?)(?:=\w+)?`", PAGE)) <= {
        variable_name(name) for name in Settings.model_fields
    }


def listed(words: Sequence[str]) -> str:
    """Words as the page lists them."""
    return ", ".join(f"`{word}`" for word in words)
