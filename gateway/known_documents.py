"""Documents by their ids: those of the manifest, and those whose hash a client has made known.

A request that names its document is given its text here, before anything is looked up by it; so it
costs what a request with the text costs, less the text. What clients make known is kept in this
process alone: another gateway asks for the text once, as does a restarted one.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from gateway.errors import ErrorCode, RequestRefused
from gateway.request import SHA256, DocumentReference, GraphQLRequest
from gateway.web.options import DocumentOptions

ENTRY_BYTES: Final = 400
"""What an entry takes besides its text, reckoned from above."""


class KnownDocuments:
    """Those of one gateway. ``manifest``: the texts by their ids, which are never forgotten."""

    def __init__(self, manifest: Mapping[str, str], options: DocumentOptions) -> None:
        self.manifest = manifest
        self._options = options
        by_hash = {SHA256 + _digest(text): text for text in manifest.values()}
        self._named = {**by_hash, **manifest}
        self._texts = frozenset(manifest.values())
        self._kept: OrderedDict[str, str] = OrderedDict()
        self.kept_bytes = 0

    @property
    def kept_count(self) -> int:
        """How many are kept that clients made known."""
        return len(self._kept)

    def resolve(self, request: GraphQLRequest) -> GraphQLRequest:
        """The request with the text of its document.

        Raises `RequestRefused` where that is not known, or is another than its hash says.
        """
        reference = request.reference
        if reference is None:
            if self._options.is_open or request.query in self._texts:
                return request
            raise _unknown("only documents that are known here are run; send the id of one")
        if request.query:
            self._take(reference.id, request.query)
            return request
        text = self._text_of(reference)
        return GraphQLRequest(text, request.variables, request.operation_name)

    def _text_of(self, reference: DocumentReference) -> str:
        text = self._named.get(reference.id)
        if text is None and reference.is_automatic:
            # A manifest may name its documents by their bare hashes.
            text = self._named.get(reference.id.removeprefix(SHA256))
        if text is None:
            text = self._kept.get(reference.id)
            if text is None:
                raise self._not_found(reference)
            self._kept.move_to_end(reference.id)
        return text

    def _take(self, document_id: str, text: str) -> None:
        """Keep the text, which came with its hash."""
        if self._kept.get(document_id) == text:
            self._kept.move_to_end(document_id)
            return
        if document_id != SHA256 + _digest(text):
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST,
                ErrorCode.PERSISTED_QUERY_HASH_MISMATCH,
                "the sha256Hash is not that of the query",
            )
        if not self._options.is_open and text not in self._texts:
            raise _unknown("only documents that are known here are run; this is none of them")
        if document_id not in self._named and _size_bytes(text) <= self._options.longest_bytes:
            self._keep(document_id, text)

    def _keep(self, document_id: str, text: str) -> None:
        self._kept[document_id] = text
        self.kept_bytes += _size_bytes(text)
        while (
            len(self._kept) > self._options.kept_limit
            or self.kept_bytes > self._options.kept_limit_bytes
        ):
            _, oldest = self._kept.popitem(last=False)
            self.kept_bytes -= _size_bytes(oldest)

    def _not_found(self, reference: DocumentReference) -> RequestRefused:
        if not reference.is_automatic or not self._options.is_open:
            return _unknown("no document of this id is known here")
        # Apollo's clients look for these very words.
        message = "PersistedQueryNotFound"
        return RequestRefused(HTTPStatus.OK, ErrorCode.PERSISTED_QUERY_NOT_FOUND, message)


def _unknown(message: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.OK, ErrorCode.DOCUMENT_UNKNOWN, message)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _size_bytes(text: str) -> int:
    """What an entry takes: a text of any script takes at most four bytes a character."""
    return ENTRY_BYTES + (len(text) if text.isascii() else 4 * len(text))
