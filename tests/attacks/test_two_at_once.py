"""Two identities, one order, every way in, both at once: nobody is told of what is another's."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

import pytest

from gateway.identity.development import DevIdentity
from resolvers.viewer import Role
from tests.attacks.corpus.attack import Attack, asked, got, posted
from tests.attacks.corpus.forged import ADA, good_bearer
from tests.attacks.corpus.frames import message
from tests.attacks.corpus.sockets import INIT, opened, subscribe
from tests.attacks.victim import public_house, send

pytestmark = [pytest.mark.e2e]

OWNER: Final = DevIdentity("bob", Role.CUSTOMER, "c-32")
HIS: Final = "o-1"
NOBODY_S: Final = "o-999999"
QUERY: Final = "query($id: ID!) { order(id: $id) { id total customer { id name } } }"
FOLLOW: Final = "subscription($id: ID!) { orderChanged(id: $id) { id total customer { id } } }"
EVENTS: Final = "Accept: text/event-stream\r\n"
TELLING: Final = re.compile(rb'"total":|"c-32"|"version":[0-9"{]')
TOKEN: Final = re.compile(rb"ct1[\w-]+")
VARYING: Final = re.compile(
    rb"(?im)^[0-9a-f]+\r$|^retry: \d+$|\"ageMs\":\d+"
    rb"|^(date|x-request-id|x-consistency-token|content-length|etag): .*$"
)


def by_post(order_id: str, headers: str) -> Attack:
    return asked("post", QUERY, variables={"id": order_id}, headers=headers)


def by_get(order_id: str, headers: str) -> Attack:
    target = f"/graphql?query={{order(id:%22{order_id}%22){{id%20total%20customer{{id}}}}}}"
    return got("get", target, headers=headers)


def by_hash(order_id: str, headers: str) -> Attack:
    persisted = {"version": 1, "sha256Hash": sha256(QUERY.encode()).hexdigest()}
    body = {"query": QUERY, "variables": {"id": order_id}}
    sent = {**body, "extensions": {"persistedQuery": persisted}}
    return posted("hash", json.dumps(sent).encode(), headers=headers)


def by_list(order_id: str, headers: str) -> Attack:
    body = {"query": QUERY, "variables": {"id": order_id}}
    return posted("list", json.dumps([body, body]).encode(), headers=headers)


def by_stream(order_id: str, headers: str) -> Attack:
    return asked("stream", QUERY, variables={"id": order_id}, headers=headers + EVENTS)


def by_socket(order_id: str, headers: str) -> Attack:
    then = INIT + subscribe(QUERY, variables={"id": order_id})
    return opened("socket", then, headers=headers)


def by_following(order_id: str, headers: str) -> Attack:
    end = message(type="ping")
    then = INIT + subscribe(FOLLOW, variables={"id": order_id}) + end
    return opened("following", then, headers=headers)


Ask = Callable[[str, str], Attack]
WAYS: Final[Mapping[str, Ask]] = {
    "POST": by_post,
    "GET": by_get,
    "hash": by_hash,
    "list": by_list,
    "stream": by_stream,
    "socket": by_socket,
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Of a house that the internet may come to."""
    with public_house(tmp_path_factory.mktemp("house")) as house:
        at = urlsplit(house.started.address)
        yield str(at.hostname), int(at.port or 0)


def told(address: tuple[str, int], attack: Attack, order_id: str) -> bytes:
    """What comes back, but for what differs each time and the id that was asked for."""
    text = VARYING.sub(b"", TOKEN.sub(b"", send(address, attack).text))
    return text.replace(order_id.encode(), b"")


@pytest.mark.parametrize("way", WAYS)
def test_of_another_s_order_is_told_what_is_told_of_none(
    way: str, address: tuple[str, int]
) -> None:
    """Also while its owner asks for it in the same moment, and when his answer is kept."""
    ask, hers, his = WAYS[way], good_bearer(ADA), good_bearer(OWNER)
    none = told(address, ask(NOBODY_S, hers), NOBODY_S)

    with ThreadPoolExecutor(8) as pool:
        mine = [pool.submit(send, address, ask(HIS, his)) for _ in range(8)]
        other = [pool.submit(told, address, ask(HIS, hers), HIS) for _ in range(8)]

    assert all(b'"total":' in one.result().text for one in mine)
    for one in other:
        assert TELLING.search(one.result()) is None
        assert len(one.result()) == len(none)


def test_who_follows_another_s_order_is_shown_nothing_of_it(address: tuple[str, int]) -> None:
    """A follower's first word of it is that of an order that does not exist."""
    hers = good_bearer(ADA)

    text = send(address, by_following(HIS, hers)).text

    assert TELLING.search(text) is None


@pytest.mark.parametrize("carried", ["etag", "x-consistency-token"])
def test_what_its_owner_was_given_opens_nothing(carried: str, address: tuple[str, int]) -> None:
    """Neither the validator of his answer nor his token tells her anything."""
    given = send(address, by_get(HIS, good_bearer(OWNER))).text
    found = re.search(rb"(?i)\r\n%b: ([^\r]+)" % carried.encode(), given)
    assert found is not None
    sent = "If-None-Match" if carried == "etag" else "X-Consistency-Token"

    heard = send(address, by_get(HIS, f"{good_bearer(ADA)}{sent}: {found[1].decode()}\r\n"))

    assert heard.status in (200, 400)
    assert TELLING.search(heard.text) is None
