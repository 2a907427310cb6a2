"""The contract's page says what the stubs do: its codes, its event types, its samples."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from upstream_stubs.fault_rules import FaultRule, FaultSet
from upstream_stubs.problems import Refusal
from upstream_stubs.relay.batches import HEARTBEAT_KEY
from upstream_stubs.relay.faults import RelayFaultSet
from upstream_stubs.relay.heartbeats import render_heartbeat
from upstream_stubs.resources import Customer, Order, Product, Resource

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text()


@pytest.mark.parametrize("refusal", Refusal)
def test_every_problem_code_is_on_the_page_with_its_status(refusal: Refusal) -> None:
    """A row of the table names the code and its status."""
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]

    assert any(f"`{refusal.code}`" in row and f"| {refusal.status} |" in row for row in rows)


def test_every_member_of_a_fault_rule_is_on_the_page() -> None:
    """The table of faults names every member that a rule may have."""
    members = [str(field.alias) for field in FaultRule.model_fields.values()]

    assert [member for member in members if f"`{member}`" not in PAGE] == []


def test_every_member_of_the_relays_faults_is_on_the_page() -> None:
    """The table of the relay's faults names every member."""
    members = [str(field.alias) for field in RelayFaultSet.model_fields.values()]

    assert [member for member in members if f"| `{member}` |" not in PAGE] == []


def test_heartbeat_on_the_page_is_what_the_relay_publishes() -> None:
    """The sample has the attributes of a real one, and the same type."""
    real = json.loads(render_heartbeat("/orders", datetime(2025, 3, 1, 9, 30, tzinfo=UTC)))

    [shown] = [json.loads(sample) for sample in samples() if "outbox.heartbeat" in sample]

    assert shown == {**real, "id": shown["id"]}
    assert f"`{HEARTBEAT_KEY}`" in PAGE


def samples() -> list[str]:
    """Every JSON text shown on the page, one value each."""
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    return [sample for block in blocks for sample in re.split(r"\n(?=\{)", block.strip())]


def shape_of(sample: dict[str, object]) -> type[Resource] | type[FaultSet] | None:
    """What the sample shows, if it is a resource or a set of faults."""
    shapes: dict[str, type[Resource | FaultSet]] = {
        "customerId": Order,
        "email": Customer,
        "stock": Product,
        "rules": FaultSet,
    }
    return next((shape for member, shape in shapes.items() if member in sample), None)


@pytest.mark.parametrize("sample", samples())
def test_every_sample_is_what_the_stubs_would_take_or_give(sample: str) -> None:
    """Samples are JSON; resources and fault rules among them fit their shapes."""
    shown = json.loads(sample)

    for part in (shown, shown.get("data", {})):
        shape = shape_of(part)
        if shape is not None:
            shape.model_validate_json(json.dumps(part))
