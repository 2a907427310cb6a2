"""Documents by their ids: a manifest's, and those that clients make known by their hash."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RequestRefused
from gateway.known_documents import ENTRY_BYTES, KnownDocuments
from gateway.request import SHA256, DocumentReference, GraphQLRequest
from gateway.web.options import DocumentOptions
from tests.gateway.front_door import A_MUTATION, A_QUERY, Door, code_of, open_door
from tests.gateway.test_direct_answers import Line, open_line
from tests.graphql_answers import Json

NEW: Final = {"accept": "application/graphql-response+json"}
OTHER: Final = "{ __typename }"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def hashed(text: str) -> Json:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}


def manifest(folder: Path, form: str = "relay") -> Path:
    """A file with one query, ``note``, and one mutation, ``gift``."""
    texts = {"note": A_QUERY, "gift": A_MUTATION}
    apollo = {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": of, "body": text} for of, text in texts.items()],
    }
    file = folder / "documents.json"
    file.write_text(json.dumps(texts if form == "relay" else apollo))
    return file


async def send(door: Door, headers: dict[str, str] | None = None, **body: Json) -> Json:
    response = await door.post(json.dumps(body).encode(), headers)
    return {"status": response.status_code, **response.json()}


@pytest.mark.parametrize("form", ["relay", "apollo"])
@pytest.mark.parametrize("name", ["note", SHA256 + digest(A_QUERY)], ids=["its id", "its hash"])
async def test_a_known_document_is_run_by_its_name(tmp_path: Path, form: str, name: str) -> None:
    """By the id in the manifest of either form, or by the hash of its text."""
    async with open_door(documents_file=manifest(tmp_path, form)) as door:
        by_name = await send(door, documentId=name)
        by_text = await send(door, query=A_QUERY)

    assert by_name["data"] == by_text["data"] == {"order": {"id": "o-1"}}


async def test_a_known_document_is_run_by_get(tmp_path: Path) -> None:
    """With the validator that the same query has when it is written out."""
    async with open_door(documents_file=manifest(tmp_path)) as door:
        by_name = await door.get({"documentId": "note"})
        by_text = await door.get({"query": A_QUERY})

    assert by_name.json()["data"] == {"order": {"id": "o-1"}}
    assert by_name.headers["etag"] == by_text.headers["etag"]


async def test_a_known_mutation_writes_by_post_alone(tmp_path: Path) -> None:
    """A name is no way around what may be done by GET."""
    async with open_door(documents_file=manifest(tmp_path)) as door:
        got = await door.get({"documentId": "gift"})
        assert door.calls == []
        posted = await send(door, documentId="gift")

    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert posted["data"]["updateOrder"]["order"]["note"] == "gift"


@pytest.mark.parametrize(("headers", "status"), [({}, 200), (NEW, 400)], ids=["old", "new"])
async def test_an_unknown_id_is_one_coded_error(headers: dict[str, str], status: int) -> None:
    """It is told as GraphQL tells of a document that cannot be run."""
    async with open_door() as door:
        response = await door.post(b'{"documentId":"x"}', headers)

    assert response.status_code == status
    assert code_of(response) == "DOCUMENT_UNKNOWN"


async def test_a_hash_is_known_once_its_text_has_come() -> None:
    """Apollo's handshake: the hash alone, then with its text, then alone for good."""
    async with open_door() as door:
        first = await send(door, extensions=hashed(A_QUERY))
        second = await send(door, extensions=hashed(A_QUERY), query=A_QUERY)
        third = await send(door, extensions=hashed(A_QUERY))
        extensions = json.dumps(hashed(A_QUERY))
        fourth = await door.get({"extensions": extensions})

    [error] = first["errors"]
    assert (first["status"], error["message"]) == (200, "PersistedQueryNotFound")
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert second["data"] == third["data"] == fourth.json()["data"] == {"order": {"id": "o-1"}}


async def test_a_hash_of_another_text_is_refused_and_not_kept() -> None:
    """Nobody can put her own document under the hash of somebody else's."""
    async with open_door() as door:
        forged = await send(door, extensions=hashed(A_QUERY), query=A_MUTATION)
        after = await send(door, extensions=hashed(A_QUERY))

    assert forged["status"] == 400
    assert forged["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_HASH_MISMATCH"
    assert after["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert door.calls == []


@pytest.mark.parametrize(
    "body",
    [
        {"documentId": ""},
        {"documentId": 7},
        {"documentId": "x" * 300},
        {"documentId": "note", "query": A_QUERY},
        {"documentId": "note", "extensions": hashed(A_QUERY)},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "a" * 64}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "A" * 64}}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": "a" * 64}},
    ],
    ids=str,
)
async def test_a_document_is_named_once_and_well(body: Json) -> None:
    """Two names could name two documents, and a hash that is none names nothing."""
    async with open_door() as door:
        response = await door.post(json.dumps(body).encode())

    assert response.status_code == 400
    assert code_of(response) == "BAD_REQUEST"


@pytest.mark.parametrize(
    "body",
    [
        {"query": OTHER},
        {"query": OTHER, "extensions": hashed(OTHER)},
        {"extensions": hashed(OTHER)},
        {"documentId": "x"},
        {"query": "{ __schema { types { name } } }"},
        {"query": A_QUERY + " "},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_where_only_known_documents_are_run_no_other_is(tmp_path: Path, body: Json) -> None:
    """Neither by text nor by hash, and introspection is a document like any other."""
    file = manifest(tmp_path)
    async with open_door(documents="known", documents_file=file, introspection=True) as door:
        response = await door.post(json.dumps(body).encode(), NEW)

    assert response.status_code == 400
    assert code_of(response) == "DOCUMENT_UNKNOWN"


@pytest.mark.parametrize(
    "body",
    [{"documentId": "note"}, {"query": A_QUERY}, {"extensions": hashed(A_QUERY)}],
    ids=["id", "text", "hash"],
)
async def test_control_a_known_document_is_run_there(tmp_path: Path, body: Json) -> None:
    """However it is named, and whether or not a hash has ever been made known."""
    async with open_door(documents="known", documents_file=manifest(tmp_path)) as door:
        answer = await send(door, **body)

    assert answer["data"] == {"order": {"id": "o-1"}}


async def tasks_of(line: Line, body: Json) -> list[str]:
    """The tasks that this request takes, once it has been asked before."""
    content = json.dumps(body).encode()
    head = "POST /graphql HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(content)}\r\n\r\n".encode() + content
    [answer] = await line.ask(request)
    assert answer["data"] == {"order": {"id": "o-1"}}
    return line.tasks


async def test_a_named_document_is_answered_at_hand(tmp_path: Path) -> None:
    """Its text is put in before anything is looked up, so no task is made for it."""
    async with open_line(documents_file=manifest(tmp_path)) as line:
        by_id = list(await tasks_of(line, {"documentId": "note"}))
        by_hash = list(await tasks_of(line, {"extensions": hashed(A_QUERY)}))
        address = f"/graphql?documentId=note&variables={quote('{}')}"
        await line.ask(f"GET {address} HTTP/1.1\r\nhost: g\r\n\r\n".encode())
        by_get = list(line.tasks)

    assert by_id == by_hash == by_get == []


TEXTS: Final = st.text(min_size=1, max_size=40).filter(str.strip)


@given(st.lists(TEXTS, max_size=30), st.integers(0, 8), st.integers(0, 3_000))
def test_what_clients_make_known_is_bounded_and_true(
    texts: list[str], kept_limit: int, kept_limit_bytes: int
) -> None:
    """Whatever is sent, no bound is passed, the newest stay, and a hash gives its own text."""
    options = DocumentOptions(kept_limit=kept_limit, kept_limit_bytes=kept_limit_bytes)
    known = KnownDocuments({}, options)
    for text in texts:
        reference = DocumentReference(SHA256 + digest(text), is_automatic=True)
        known.resolve(GraphQLRequest(text, reference=reference))

    found = [text for text in dict.fromkeys(texts) if is_known(known, text)]
    assert known.kept_count == len(found) <= kept_limit
    assert len(found) * ENTRY_BYTES <= known.kept_bytes <= kept_limit_bytes
    newest = list(dict.fromkeys(reversed(texts)))[: len(found)]
    assert set(found) == set(newest)


def is_known(known: KnownDocuments, text: str) -> bool:
    try:
        reference = DocumentReference(SHA256 + digest(text), is_automatic=True)
        resolved = known.resolve(GraphQLRequest("", reference=reference))
    except RequestRefused:
        return False
    assert resolved.query == text
    return True
