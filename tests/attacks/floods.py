"""Floods: thousands of something, no two alike, and crowds that hold their connections and wait."""

import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from gateway.identity.development import DevIdentity, token_of
from resolvers.viewer import Role
from tests.attacks.corpus.attack import GOODBYE, HOST, Attack, asked, got, heard_out, posted
from tests.attacks.corpus.forged import SECRET, bearer, by_hand, claims
from tests.attacks.corpus.sockets import HANDSHAKE
from tests.attacks.victim import send

PRODUCT: Final = '{ product(id: "p-1") { name } }'
PER_CONNECTION: Final = 30
"""Requests that follow one another on one connection, which takes thirty-two."""


def document(number: int) -> Attack:
    return asked("document", f'{{ product(id: "p-{number}") {{ a{number}: name }} }}')


def known_hash(number: int) -> Attack:
    text = f'{{ product(id: "p-1") {{ a{number}: name }} }} # {"x" * 900}'
    digest = hashlib.sha256(text.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    return posted("hash", json.dumps({"query": text, "extensions": extensions}).encode())


def identity(number: int) -> Attack:
    one = DevIdentity(f"customer {number}", Role.CUSTOMER, f"c-{number}")
    headers = bearer(token_of(one, SECRET, now_s=time.time()))
    return asked("identity", PRODUCT, headers=headers)


def forgery(number: int) -> Attack:
    token = by_hand({"alg": "HS256"}, claims(sub=f"{number}"), b"x" * 32)
    return asked("forgery", PRODUCT, headers=bearer(token))


def consistency_token(number: int) -> Attack:
    return asked("token", PRODUCT, headers=f"X-Consistency-Token: ct1{number:060d}\r\n")


def client_key(number: int) -> Attack:
    address = f"9.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return asked("client", PRODUCT, headers=f"X-Forwarded-For: {address}\r\n")


def strange_headers(number: int) -> Attack:
    many = f"Accept: application/json, a/{number}\r\nAccept-Encoding: e{number}\r\n"
    return got("headers", "/graphql?query={__typename}", headers=many + f"X-{number}: 1\r\n")


FLOODS: Final[Mapping[str, Callable[[int], Attack]]] = {
    "documents": document,
    "hashes": known_hash,
    "identities": identity,
    "forgeries": forgery,
    "tokens": consistency_token,
    "client keys": client_key,
    "headers": strange_headers,
}
"""Each makes as many requests as are wanted, no two alike."""


def flood(address: tuple[str, int], make: Callable[[int], Attack], count: int) -> int:
    """Send so many of them; how many were answered."""
    answered_count = 0
    for start in range(0, count, PER_CONNECTION):
        numbers = range(start, min(start + PER_CONNECTION, count))
        sent = b"".join(make(number).sent for number in numbers)
        heard = send(address, heard_out(Attack("flood", sent, frozenset())))
        answered_count += heard.text.count(b"HTTP/1.1 ") - 1
    return answered_count


HALF_A_HEAD: Final = f"POST /graphql HTTP/1.1\r\n{HOST}X-A: ".encode()
HALF_A_BODY: Final = (
    f"POST /graphql HTTP/1.1\r\n{HOST}Content-Type: application/json\r\n"
    'Content-Length: 200\r\n\r\n{"query'
).encode()
SILENT_SOCKET: Final = f"GET /graphql HTTP/1.1\r\n{HOST}{HANDSHAKE}\r\n".encode()
SLOW_READER: Final = (
    "GET /graphql?query=subscription{orderChanged(id:%22o-1%22){id}} HTTP/1.1\r\n"
    f"{HOST}Accept: text/event-stream\r\n\r\n"
).encode()
CROWD: Final = (HALF_A_HEAD, HALF_A_BODY, SILENT_SOCKET, SLOW_READER, GOODBYE[:10], b"")
"""What those of a crowd send, before they wait."""


@contextmanager
def crowd(address: tuple[str, int], count: int) -> Iterator[None]:
    """So many hold connections inside the block, each in one of these ways, and read nothing."""
    with ExitStack() as stack:
        for number in range(count):
            wire = stack.enter_context(socket.create_connection(address, timeout=5))
            wire.sendall(CROWD[number % len(CROWD)])
        yield
