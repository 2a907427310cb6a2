"""Tokens that are none, and the requests that bring them: a flood of work in vain. Pure.

Of each sort there are many, all different, so that nothing is remembered from one to the next.
"""

import base64
import string
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

import orjson

from benchmarks.wishes import ORDER_COUNT
from projections.token import ConsistencyToken
from projections.token_codec import MAX_TEXT_CHARACTERS, TokenCodec, TokenKeys
from projections.token_format import MAGIC
from projections.token_size import MAX_ENTRIES
from projections.versions import AggregateKey, AggregateType, Version

TEXT_CHARACTERS: Final = MAX_TEXT_CHARACTERS
"""The longest that is looked at: a longer one is refused for its length alone."""

FLOODER: Final = "mallory"
VICTIM: Final = "alice"
FLOOD_ID: Final = "flood"
"""What the ids of all requests of the flood begin with: so the calls they cause can be told."""

NO_COMMA: Final = "".join(
    sorted({*string.ascii_letters, *string.digits, *string.punctuation} - {","})
)
"""What garbage is made of: a comma would part it into several tokens."""

FIELDS: Final = """{
    id version status note total
    customer { id version name }
    items { quantity unitPrice lineTotal product { id version name } }
  }"""
ORDER: Final = f"query ($id: ID!) {{ order(id: $id) {FIELDS} }}"
TOKENS_GIVEN: Final = f"""query ($id: ID!, $tokens: [ConsistencyToken!]!) {{
  order(id: $id, consistency: {{atLeast: {{tokens: $tokens}}}}) {FIELDS} }}"""
CONSISTENCY_GIVEN: Final = f"""query ($id: ID!, $consistency: Consistency) {{
  order(id: $id, consistency: $consistency) {FIELDS} }}"""


class Forgery(StrEnum):
    """What is wrong with a token."""

    CHANGED = "good prefix and key, bad MAC"
    GARBAGE = "random letters"
    FOREIGN = "of another subject"


class Carrier(StrEnum):
    """How a request brings it."""

    HEADER = "header"
    ARGUMENT = "argument"
    INPUT = "input object in a variable"


@dataclass(frozen=True, slots=True)
class Forger:
    """Makes tokens that ``keys`` refuse to `FLOODER`, at a Unix minute."""

    keys: TokenKeys
    now_minute: int
    random: Random

    def forge(self, forgery: Forgery) -> str:
        """Another token of this sort."""
        match forgery:
            case Forgery.CHANGED:
                head = MAGIC + bytes([0b0100_0000 | self.keys.signing.id])
                rest = self.random.randbytes(TEXT_CHARACTERS * 3 // 4 - len(head))
                return base64.urlsafe_b64encode(head + rest).decode()
            case Forgery.GARBAGE:
                return "".join(self.random.choices(NO_COMMA, k=TEXT_CHARACTERS))
            case Forgery.FOREIGN:
                return TokenCodec(self.keys).seal(self._full_token(), VICTIM, self.now_minute)

    def _full_token(self) -> ConsistencyToken:
        """Of as many entries as a token may carry: genuine ones are never longer."""
        numbers = self.random.sample(range(ORDER_COUNT), MAX_ENTRIES)
        keys = (AggregateKey(AggregateType.ORDER, f"o-{number:016}") for number in numbers)
        return ConsistencyToken({key: Version(1, 2) for key in keys})


@dataclass(frozen=True, slots=True)
class Flooding:
    """One request of a flood as bytes, and what its answer has to have in it."""

    request: bytes
    expected: bytes


def forged_requests(forger: Forger, host: str, count: int) -> list[Flooding]:
    """So many requests with forged tokens, of every sort and carrier in turn."""
    sorts = [(forgery, carrier) for carrier in Carrier for forgery in Forgery]
    turns = (sorts[number % len(sorts)] for number in range(count))
    return [
        Flooding(_bringing(forger.forge(forgery), carrier, host), b"INVALID_CONSISTENCY_TOKEN")
        for forgery, carrier in turns
    ]


def cheap_requests(host: str, count: int) -> list[Flooding]:
    """So many requests as long, that ask for next to nothing: what HTTP alone costs, or nearly."""
    padding = "A" * TEXT_CHARACTERS
    asked = {"query": "{ __typename }"}
    made = [
        rendered(host, asked, {"X-Padding": padding}),
        rendered(host, {**asked, "variables": {"padding": padding}}, {}),
    ]
    return [Flooding(made[number % len(made)], b'"__typename"') for number in range(count)]


def _bringing(token: str, carrier: Carrier, host: str) -> bytes:
    headers: Mapping[str, str] = {}
    demand: Mapping[str, object] = {}
    match carrier:
        case Carrier.HEADER:
            query, headers = ORDER, {"X-Consistency-Token": token}
        case Carrier.ARGUMENT:
            query, demand = TOKENS_GIVEN, {"tokens": [token]}
        case Carrier.INPUT:
            query, demand = CONSISTENCY_GIVEN, {"consistency": {"atLeast": {"tokens": [token]}}}
    return rendered(host, {"query": query, "variables": {"id": "o-1", **demand}}, headers)


def rendered(
    host: str,
    asked: Mapping[str, object],
    headers: Mapping[str, str],
    *,
    subject: str = FLOODER,
    request_id: str = FLOOD_ID,
) -> bytes:
    """A POST to the gateway."""
    body = orjson.dumps(asked)
    sent = {
        "host": host,
        "content-type": "application/json",
        "content-length": str(len(body)),
        "x-session": subject,
        "x-request-id": request_id,
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"POST /graphql HTTP/1.1\r\n{lines}\r\n".encode() + body
