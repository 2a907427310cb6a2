"""What one request asked for: the mode of each of its root fields, and the tokens that hold for it.

Read from the request alone, and not from what the gateway made of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projections.token import EMPTY_TOKEN, ConsistencyToken, merge
from projections.token_codec import MAC_BYTES, Expired, Opened, TokenCodec, UnknownKey, disarm
from projections.token_parsing import parse_body
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, Mode, OnTimeout
from resolvers.pages import split_seen
from tests.truth.shapes import Document, Field, read_document, value_of

Json = Any

OpenedText = ConsistencyToken | Expired | None
"""What a text turns out to be: a token, one that demands nothing any more, or none of ours."""

Open = Callable[[str], OpenedText]

MS = 1000
NOTHING_DEMANDED = Demand()


@dataclass(frozen=True, slots=True)
class Request:
    """One operation as it was sent; ``carried`` are the tokens of its headers and cookies.

    ``is_opaque``: only who has the keys can tell which of them demand anything.
    """

    query: str
    variables: Mapping[str, Json]
    operation_name: str | None = None
    carried: Sequence[str] = ()
    is_opaque: bool = False

    @property
    def document(self) -> Document:
        return read_document(self.query, self.operation_name)


@dataclass(frozen=True, slots=True)
class Sent:
    """The demand of each root field by response key, and how many tokens had expired."""

    document: Document
    variables: Mapping[str, Json]
    demands: Mapping[str, Demand]
    expired_count: int

    def demand_at(self, path: str) -> Demand:
        """The demand of the root field that a path begins with; one of nothing, if none does."""
        return self.demands.get(path.partition(".")[0], NOTHING_DEMANDED)


def read_sent(request: Request, open_text: Open) -> Sent:
    """Each root field's own tokens and cursors, beside what the request carries for all."""
    document = request.document
    variables = {**document.defaults, **request.variables}
    carried = [open_text(text) for text in request.carried]
    demands: dict[str, Demand] = {}
    expired_count = _expired(carried)
    for key, root in document.roots.items():
        own = [open_text(text) for text in _texts_of(root, variables)]
        expired_count += _expired(own)
        tokens = [token for token in (*carried, *own) if isinstance(token, ConsistencyToken)]
        token = merge(*tokens) if tokens else EMPTY_TOKEN
        demands[key] = Demand(_mode_of(_argument(root, variables)), token)
    return Sent(document, variables, demands, expired_count)


def opening(codec: TokenCodec, subject: str, minute: int) -> Open:
    """How the gateway that has these keys would open the texts of this subject."""

    def open_text(text: str) -> OpenedText:
        match codec.open_token(text, subject, minute):
            case Opened(token=token):
                return token
            case Expired() | UnknownKey():
                return Expired(0)
            case _:
                return None

    return open_text


def open_unchecked(text: str) -> OpenedText:
    """What a text says, believed without its key: it came from a gateway of ours."""
    sealed = disarm(text)
    body = parse_body(sealed[:-MAC_BYTES]) if isinstance(sealed, bytes) else None
    return None if body is None else body.token


def _expired(opened: Sequence[OpenedText]) -> int:
    return sum(isinstance(one, Expired) for one in opened)


def _argument(root: Field, variables: Mapping[str, Json]) -> Json:
    node = root.arguments.get("consistency")
    return None if node is None else value_of(node, variables)


def _texts_of(root: Field, variables: Mapping[str, Json]) -> list[str]:
    given = _argument(root, variables) or {}
    own = given.get("atLeast") or given.get("causal") or {}
    texts = own.get("tokens") or []
    cursors = [value_of(node, variables) for node in root.cursors()]
    seen = [split_seen(cursor)[1] for cursor in cursors if isinstance(cursor, str)]
    return [*([texts] if isinstance(texts, str) else texts), *(text for text in seen if text)]


def _mode_of(given: Json) -> Mode:
    given = given or {}
    own = next((of for of in given.values() if isinstance(of, dict)), {})
    max_wait_s, on_timeout = _seconds(own.get("maxWaitMs")), _on_timeout(own)
    match next((name for name, of in given.items() if of), None):
        case "atLeast":
            return AtLeast(max_wait_s, on_timeout)
        case "causal":
            return AtLeast(max_wait_s, on_timeout, is_causal=True)
        case "bounded":
            return Bounded(own["maxStalenessMs"] / MS, on_timeout)
        case "live":
            return Live()
        case "eventual":
            return Eventual()
        case _:  # nothing was said, or `causal` with nothing beside it
            return AtLeast(is_causal="causal" in given)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / MS


def _on_timeout(own: Mapping[str, Json]) -> OnTimeout:
    return OnTimeout(own.get("onTimeout") or OnTimeout.LIVE)
