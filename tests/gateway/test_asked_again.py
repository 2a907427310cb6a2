"""The same request, again and again: parsed, then planned, then at hand, and answered alike."""

import pytest

from tests.gateway_in_process import GATEWAY_URL, open_gateway, twins_of
from tests.graphql_answers import Json
from tests.laws.plans.odd_documents import ODD_DOCUMENTS, OddDocument
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time


def told(answer: dict[str, Json]) -> list[Json]:
    """What must be the same; tokens and ages follow the moment."""
    extensions = answer.get("extensions") or {}
    assert isinstance(extensions, dict)
    consistency = extensions.get("consistency") or {}
    assert isinstance(consistency, dict)
    components = consistency.get("components") or []
    assert isinstance(components, list)
    paths = [part["path"] for part in components if isinstance(part, dict)]
    return [answer.get("data"), answer.get("errors"), consistency.get("satisfied"), paths]


@pytest.mark.parametrize("odd", ODD_DOCUMENTS, ids=lambda odd: odd.name)
async def test_an_odd_document_is_answered_alike_each_time(odd: OddDocument) -> None:
    """Whoever answers, the long way or from what is at hand, cannot be told from the answer."""
    body = {
        "query": odd.text,
        "variables": odd.variables,
        "operationName": odd.operation_name,
    }
    async with open_gateway(twins_of(*SHOP)) as bff:
        responses = [await bff._client.post(f"{GATEWAY_URL}/graphql", json=body) for _ in range(4)]

    assert [response.status_code for response in responses] == [200] * 4
    first, *others = [told(response.json()) for response in responses]
    assert others == [first] * 3
