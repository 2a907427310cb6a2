"""Documents that are known beforehand are ready before the first request."""

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.settings import Settings
from gateway.settings_refusals import SettingsError
from tests.gateway_in_process import open_gateway, twins_of
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

QUERY = 'query Note { order(id: "o-1") { note } }'
UNKNOWN = "{ nothing }"
APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": "1", "name": "Note", "type": "query", "body": QUERY}],
}


def written(folder: Path, content: object) -> Path:
    file = folder / "documents.json"
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("content", [APOLLO, {"1": QUERY}], ids=["Apollo", "texts by id"])
async def test_a_document_of_the_manifest_is_ready(tmp_path: Path, content: object) -> None:
    """Its plan is there, and the same whether clients name the operation or not."""
    async with open_gateway(twins_of(*SHOP), documents_file=written(tmp_path, content)) as bff:
        documents = bff.gateway.operations.documents
        named, unnamed = (documents.ready_plan(QUERY, name, {}) for name in ("Note", None))

    assert named is not None
    assert named is unnamed


async def test_one_that_cannot_be_run_is_told_of_and_takes_no_other_along(tmp_path: Path) -> None:
    """A manifest may be newer than the schema, or older."""
    file = written(tmp_path, {"bad": UNKNOWN, "good": QUERY})
    with capture_logs() as logged:
        async with open_gateway(twins_of(*SHOP), documents_file=file) as bff:
            plan = bff.gateway.operations.documents.ready_plan(QUERY, None, {})

    assert plan is not None
    [line] = [line for line in logged if line["event"] == "document_refused"]
    assert line["id"] == "bad"


@pytest.mark.parametrize("content", [[QUERY], {"1": 1}, "text"])
def test_what_is_no_manifest_is_refused_with_its_setting(tmp_path: Path, content: object) -> None:
    """At the start, in words that say what it should be."""
    settings = Settings.model_validate({"documents_file": written(tmp_path, content)})

    with pytest.raises(SettingsError, match=r"BFF_DOCUMENTS_FILE: .* neither an Apollo manifest"):
        settings.read_documents()


def test_a_file_that_is_not_there_is_refused_too(tmp_path: Path) -> None:
    """Its path is told."""
    settings = Settings.model_validate({"documents_file": tmp_path / "none.json"})

    with pytest.raises(SettingsError, match=r"none\.json cannot be read"):
        settings.read_documents()
