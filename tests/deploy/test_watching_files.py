"""The dashboard and the alert rules name what a gateway shows, and say what is to be done."""

import json
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.deploy.promql import Nonsense, check
from tests.docs.pages import ROOT, read, table

ALERTS = ROOT / "deploy/alerts.yaml"
DASHBOARD = ROOT / "deploy/grafana-dashboard.json"


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """A rule of Prometheus: an alert, or a record."""

    expr: str
    alert: str = ""
    record: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for_: str = msgspec.field(name="for", default="")


class Group(msgspec.Struct):
    """Rules that are looked at together."""

    name: str
    rules: list[Rule]


GROUPS = msgspec.yaml.decode(ALERTS.read_text(), type=dict[str, list[Group]])["groups"]
RULES = [rule for group in GROUPS for rule in group.rules]
RECORDED = {rule.record for rule in RULES}
PANELS = json.loads(DASHBOARD.read_text())["panels"]
EXPRESSIONS = [
    *(rule.expr for rule in RULES),
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_what_there_is(expression: str) -> None:
    """Every metric, label and value is one of the code's."""
    check(expression, RECORDED)


@pytest.mark.parametrize(
    "expression",
    [
        "bff_nonsense > 0",
        'bff_errors_total{way="kept"}',
        'bff_errors_total{code="NONSENSE"}',
        "sum(rate(bff_errors_total[5m])",
        "sum by (nonsense) (bff_errors_total)",
        "rate(bff_operation_duration_seconds[5m])",
        "bff_errors_total ? 1",
    ],
)
def test_control_an_expression_that_is_wrong_is_seen(expression: str) -> None:
    """The control: a metric, a label, a value, a bracket that is not there."""
    with pytest.raises(Nonsense):
        check(expression, RECORDED)


def test_each_alert_says_what_has_happened_and_what_to_do() -> None:
    """A sentence, how urgent it is, and a line of the page with something to do."""
    told = {row[0].strip("`"): row[1] for row in table(read("docs/observability.md"), "alert")}

    alerts = [rule for rule in RULES if rule.alert]
    assert list(told) == [of.alert for of in alerts]
    assert all(told.values())
    for of in alerts:
        assert of.annotations["summary"]
        assert of.annotations["runbook"] == "docs/observability.md#dashboard-and-alerts"
        assert of.labels["severity"] in {"page", "ticket"}


def test_each_panel_says_what_it_shows() -> None:
    """With a title of its own, and none over another."""
    titles = [panel["title"] for panel in PANELS]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS}

    assert all(panel["description"] for panel in PANELS)
    assert len(set(titles)) == len(places) == len(PANELS)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed here")
def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    """Its own tool finds nothing wrong with them."""
    tool = shutil.which("promtool")
    assert tool is not None
    done = subprocess.run(
        [tool, "check", "rules", ALERTS], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
