"""`/metrics` of `bff serve --workers N`: one page, whoever takes the connection."""

from collections import defaultdict
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.shopper import quiet_client
from tests.e2e.workers_served import ASK, all_answering, served

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_metrics_are_those_of_all_workers(tmp_path: Path) -> None:
    """Whichever worker shows them, every operation of any is counted, and each tells its number."""
    with served(tmp_path, "--workers", "3") as role:
        all_answering(role, 3)
        for _ in range(20):
            with quiet_client(role.address) as http:
                http.post("/graphql", json=ASK).raise_for_status()
        shown = [operations_by_worker(role.address) for _ in range(6)]

    assert all(counts == shown[0] for counts in shown)
    assert shown[0].keys() == {"0", "1", "2"}
    assert sum(shown[0].values()) == 20


def operations_by_worker(address: str) -> dict[str, float]:
    """The operations that each worker has answered, as a new connection is told."""
    with quiet_client(address) as http:
        families = text_string_to_metric_families(http.get("/metrics").text)
    counts: defaultdict[str, float] = defaultdict(float)
    for sample in (s for of in families if of.name == "bff_operations" for s in of.samples):
        counts[sample.labels["worker"]] += sample.value
    return dict(counts)
