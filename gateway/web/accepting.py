"""What a client accepts (RFC 9110, 12.5): the media type of her answer, and whether it is packed.

Pure. Clients send the same few headers again and again, so what has been read is remembered, by
its raw bytes.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar

GRAPHQL_RESPONSE_JSON: Final = "application/graphql-response+json"
APPLICATION_JSON: Final = "application/json"

MAX_REMEMBERED: Final = 200
"""Characters of a header whose meaning is remembered; no client's own is longer."""

MAX_READ: Final = 2_048
"""Characters of a header that are read; to read ten times as many takes 60 ms."""

MAX_KNOWN: Final = 256
"""Headers whose meaning is remembered."""

Told = TypeVar("Told")


class Range(NamedTuple):
    """One entry of a list: what it names, how much it is wanted (0–1), all other parameters."""

    name: str
    quality: float
    parameters: dict[str, str]


def remembered(read: Callable[[bytes], Told]) -> Callable[[bytes], Told]:
    """``read``, which is not asked again for a header that is no longer than anybody's.

    Of one that is much longer, the entries at its beginning count.
    """
    known: dict[bytes, Told] = {}

    def told(given: bytes) -> Told:
        if given in known:
            return known[given]
        if len(given) > MAX_READ:
            return read(given[:MAX_READ].rpartition(b",")[0])
        meaning = read(given)
        if len(given) <= MAX_REMEMBERED:
            if len(known) >= MAX_KNOWN:
                known.clear()
            known[given] = meaning
        return meaning

    return told


def ranges_of(listed: bytes) -> Iterator[Range]:
    """The entries of a header; a weight that is no number counts as 1."""
    for part in listed.decode("latin-1").lower().split(","):
        name, *rest = (piece.strip() for piece in part.split(";"))
        pairs = (piece.partition("=") for piece in rest)
        parameters = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        if name:
            yield Range(name, _quality(parameters.pop("q", "1")), parameters)


@remembered
def answer_type(listed: bytes) -> str | None:
    """The media type that is wanted most; None where neither of ours will do.

    >>> answer_type(b"application/graphql-response+json, application/json;q=0.9")
    'application/graphql-response+json'
    >>> answer_type(b"*/*"), answer_type(b"text/html, */*;q=0"), answer_type(b"")
    ('application/json', None, 'application/json')

    Where both are wanted as much, what is named goes before what a wildcard covers, and of two that
    are named the one with the honest status codes; by wildcards alone it is plain JSON.
    """
    ranges = [of for of in ranges_of(listed) if _is_utf8(of)]
    if not listed.strip():
        return APPLICATION_JSON
    new, old = _wish(GRAPHQL_RESPONSE_JSON, ranges), _wish(APPLICATION_JSON, ranges)
    if max(new, old)[0] <= 0:
        return None
    is_new = new > old or (new == old and new[1] == EXACT)
    return GRAPHQL_RESPONSE_JSON if is_new else APPLICATION_JSON


@remembered
def named_types(listed: bytes) -> frozenset[str]:
    """The types that are listed by their very names, and not refused.

    >>> sorted(named_types(b"text/html;q=0.8, text/plain;q=0, */*"))
    ['*/*', 'text/html']
    """
    return frozenset(of.name for of in ranges_of(listed) if of.quality > 0)


@remembered
def takes_gzip(listed: bytes) -> bool:
    """Is gzip wanted, and no less than the plain bytes?

    >>> takes_gzip(b"gzip, br"), takes_gzip(b"*"), takes_gzip(b"gzip;q=0, *"), takes_gzip(b"br")
    (True, True, False, False)
    """
    wanted = {of.name: of.quality for of in ranges_of(listed)}
    gzip = wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", 0.0)))
    return gzip > 0 and gzip >= wanted.get("identity", 0.0)


EXACT: Final = 2
"""How closely a range names a type: itself, of its kind, or any."""


def _wish(media_type: str, ranges: list[Range]) -> tuple[float, int]:
    """How much it is wanted, and by how close a name: the closest one counts."""
    kind = media_type.partition("/")[0]
    names = (media_type, f"{kind}/*", "*/*")
    for closeness, name in zip((EXACT, 1, 0), names, strict=True):
        if found := [of.quality for of in ranges if of.name == name]:
            return max(found), closeness
    return 0.0, 0


def _is_utf8(of: Range) -> bool:
    return of.parameters.get("charset", "utf-8") in ("utf-8", "utf8")


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0
