"""The dashboard and the alert rules name what a gateway shows, and say what is to be done."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.promql import Nonsense, check
from tests.docs.pages import ROOT, read, table

ALERTS = ROOT / "deploy/alerts.yaml"
DASHBOARD = ROOT / "deploy/grafana-dashboard.json"

Rule = dict[str, Any]


def rules() -> list[Rule]:
    """All rules of the file."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[Rule]:
    return [rule for rule in rules() if "alert" in rule]


RECORDED = {rule["record"] for rule in rules() if "record" in rule}
PANELS = json.loads(DASHBOARD.read_text())["panels"]
EXPRESSIONS = [
    *(rule["expr"] for rule in rules()),
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

    assert list(told) == [alert["alert"] for alert in alerts()]
    assert all(told.values())
    for alert in alerts():
        assert alert["annotations"]["summary"]
        assert alert["annotations"]["runbook"] == "docs/observability.md#dashboard-and-alerts"
        assert alert["labels"]["severity"] in {"page", "ticket"}


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
