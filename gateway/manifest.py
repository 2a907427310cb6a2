"""The documents that clients are known to send, from a file: made ready before anybody asks.

Either form that builds of clients write is read: Apollo's manifest (``operations``, each with a
``body``), or a plain object of texts by their ids (Relay and others).
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct


class _Operation(Struct):
    id: str
    body: str


class _ApolloManifest(Struct, tag_field="format", tag="apollo-persisted-query-manifest"):
    operations: list[_Operation]


class ManifestUnreadable(Exception):
    """The file is no manifest; the text says what to do."""


def read_manifest(path: Path) -> Mapping[str, str]:
    """The documents by their ids. Raises `ManifestUnreadable`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ManifestUnreadable(f"{path} cannot be read: {error.strerror}") from error
    with suppress(msgspec.MsgspecError):
        manifest = msgspec.json.decode(content, type=_ApolloManifest)
        return {operation.id: operation.body for operation in manifest.operations}
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(content, type=dict[str, str])
    raise ManifestUnreadable(
        f"{path} is neither an Apollo manifest of persisted queries nor an object of texts by id"
    )
