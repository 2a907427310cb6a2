import base64
from dataclasses import dataclass, field

import httpx
import pytest
from structlog.testing import capture_logs

from gateway.token_cookies import SUFFIX_CHARACTERS
from projections.token_codec import LIFETIME_MINUTES, MAC_BYTES, Opened, TokenCodec
from projections.token_size import MAX_BODY_BYTES
from resolvers.tokens import MAX_TOKENS
from tests.gateway.front_door import A_MUTATION, A_QUERY, Door, a_token, open_door
from tests.gateway_in_process import KEYS
from tests.projection_by_hand import wall_clock_s

pytestmark = pytest.mark.steered_time

NAME = "bff-consistency"
OF_ANOTHER_KEY = "ct1BAMCC6g0CBW8tMTA0MgACQ2MtMTcAAYoIgaPO_fdBB1niE1Dfi4A"
A_RENAMING = 'mutation { updateCustomer(input: {id: "c-1", name: "Grace"}) { customer { name } } }'
A_PRICE = 'mutation { updateProduct(input: {id: "p-1", price: "2.00"}) { product { price } } }'


@dataclass
class Browser:
    """Keeps cookies as browsers do: of one name, what arrives last."""

    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(self, door: Door, query: str) -> httpx.Response:
        """Send a query with what is kept now; the answer is on its way until it is taken."""
        door.client.cookies.clear()
        sent = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        return await door.ask(query, headers={"cookie": sent})

    def take(self, answer: httpx.Response) -> None:
        """The answer arrives."""
        for line in answer.headers.get_list("set-cookie"):
            pair, *attributes = line.split("; ")
            name, _, text = pair.partition("=")
            self.cookies[name] = text
            if "Max-Age=0" in attributes:
                del self.cookies[name]

    async def browse(self, door: Door, query: str) -> None:
        """One request and its answer."""
        self.take(await self.ask(door, query))

    @property
    def demands(self) -> dict[str, int]:
        """What the next request will demand, by id."""
        newest: dict[str, int] = {}
        for text in self.cookies.values():
            for key, version in opened(text).token.entries.items():
                newest[key.id] = max(newest.get(key.id, 0), version.number)
        return newest


def opened(text: str) -> Opened:
    verdict = TokenCodec(KEYS).open_token(text, "anonymous", int(wall_clock_s() // 60))
    assert isinstance(verdict, Opened)
    return verdict


def set_by(answer: httpx.Response) -> dict[str, list[str]]:
    """Each cookie that the answer sets, and its attributes."""
    lines = [line.split("; ") for line in answer.headers.get_list("set-cookie")]
    return {pair.partition("=")[0]: attributes for pair, *attributes in lines}


async def test_a_bad_cookie_is_dropped_counted_and_removed() -> None:
    """Who sends a foreign cookie may not know of it: the request goes on without it."""
    async with open_door(token_cookie=True) as door:
        with capture_logs() as logged:
            answer = await Browser({NAME: OF_ANOTHER_KEY}).ask(door, "{ __typename }")

    assert answer.status_code == 200
    assert answer.json()["extensions"]["consistency"]["satisfied"]
    assert [line["event"] for line in logged] == ["consistency_cookie_dropped"]
    assert OF_ANOTHER_KEY not in str(logged)
    assert answer.headers["set-cookie"].startswith(f"{NAME}=; Path=/; Max-Age=0; ")


async def test_an_expired_cookie_is_counted_and_removed() -> None:
    """A cookie past its token's lifetime demands nothing, and does not stay."""
    old = a_token(version=99, age_min=LIFETIME_MINUTES + 1)
    browser = Browser({NAME: old, f"{NAME}.{old[-8:]}": old})
    async with open_door(token_cookie=True) as door:
        answer = await browser.ask(door, "{ __typename }")
    browser.take(answer)

    assert answer.json()["extensions"]["consistency"]["expiredTokens"] == 2
    assert browser.cookies == {}


async def test_a_bad_cookie_does_not_take_a_good_one_along() -> None:
    """Two cookies may have one name, if they were set for different paths: the good one stays."""
    good = a_token("o-1", version=7)
    async with open_door(token_cookie=True) as door:
        sent = f"{NAME}.abcdefgh={OF_ANOTHER_KEY}; {NAME}.abcdefgh={good}"
        answer = await door.ask("{ __typename }", headers={"cookie": sent})

    assert set_by(answer).keys() == {NAME}


async def test_where_no_cookies_are_handed_out_none_is_removed() -> None:
    """A gateway that sets no cookies leaves alone what somebody else has set."""
    async with open_door() as door:
        answered = await Browser({NAME: OF_ANOTHER_KEY}).ask(door, A_MUTATION)

    assert "set-cookie" not in answered.headers


async def test_cookies_are_honoured_beside_the_header() -> None:
    """Cookies and header are merged: each demands its own, none overrides another."""
    query = "{ " + " ".join(f'_{n}: order(id: "o-{n}") {{ id }}' for n in (1, 2, 3)) + " }"
    cookies = f"{NAME}={a_token('o-1', version=7)}; {NAME}.abcdefgh={a_token('o-2', version=8)}"
    async with open_door() as door:
        answer = await door.ask(
            query, headers={"cookie": cookies, "x-consistency-token": a_token("o-3", version=9)}
        )

    missing = answer.json()["extensions"]["consistency"]["missing"]
    assert {entry["id"]: entry["version"] for entry in missing} == {"o-1": 7, "o-2": 8, "o-3": 9}


async def test_no_number_of_cookies_refuses_a_request() -> None:
    """Beyond what a request may bring the oldest are passed over: browsers send those first."""
    cookies = {f"{NAME}.{n}": a_token(version=n + 1) for n in range(MAX_TOKENS + 9)}
    browser = Browser(cookies)
    async with open_door(token_cookie=True) as door:
        answer = await browser.ask(door, A_MUTATION)
    browser.take(answer)

    assert answer.status_code == 200
    assert len(browser.cookies) == 9 + 1
    assert {f"{NAME}.{n}" for n in range(9)} < browser.cookies.keys()


async def test_a_write_gets_a_cookie_of_its_own_name() -> None:
    """It is for this host, for no script, and lives as long as the token in it."""
    async with open_door(token_cookie=True, token_lifetime_min=30) as door:
        answer = await Browser().ask(door, A_MUTATION)

    token = answer.headers["x-consistency-token"]
    value, *attributes = answer.headers["set-cookie"].split("; ")
    assert value == f"{NAME}.{token[-8:]}={token}"
    assert attributes == ["Path=/", "Max-Age=1800", "HttpOnly", "SameSite=Lax"]


async def test_queries_share_one_cookie() -> None:
    """However many a page asks at once, it carries one cookie for what it has seen."""
    async with open_door(token_cookie=True) as door:
        by_post = await Browser().ask(door, A_QUERY)
        by_get = await door.get({"query": '{ customer(id: "c-1") { name } }'})

    assert set_by(by_post).keys() == set_by(by_get).keys() == {NAME}


async def test_a_cookie_that_says_nothing_new_is_not_set_again() -> None:
    """An answer that adds nothing to a cookie cannot overwrite what another answer has added."""
    browser = Browser()
    async with open_door(token_cookie=True) as door:
        await browser.browse(door, A_QUERY)
        again = await browser.ask(door, A_QUERY)

    assert again.headers["x-consistency-token"] == browser.cookies[NAME]
    assert "set-cookie" not in again.headers


async def test_an_answer_without_a_token_leaves_the_cookies_alone() -> None:
    """There is no empty cookie that would wipe what the browser has."""
    async with open_door(token_cookie=True) as door:
        response = await door.ask("{ __typename }")
        refused = await Browser({NAME: a_token()}).ask(door, "{ nonsense }")

    assert "set-cookie" not in response.headers
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 2, 0), (2, 1, 0)], ids=str)
async def test_writes_of_several_tabs_all_stay(order: tuple[int, ...]) -> None:
    """Tabs share their cookies; in whatever order their answers arrive, no write is forgotten."""
    browser = Browser()
    async with open_door(token_cookie=True) as door:
        await browser.browse(door, A_QUERY)
        on_their_way = [await browser.ask(door, write) for write in (A_MUTATION, A_RENAMING)]
        on_their_way.append(await browser.ask(door, A_QUERY))
        for place in order:
            browser.take(on_their_way[place])

    assert browser.demands == {"o-1": 2, "c-1": 2}


async def test_a_late_answer_to_a_query_wipes_no_write() -> None:
    """A query that was asked before a write and is answered after it knows nothing of the write."""
    browser = Browser()
    async with open_door(token_cookie=True) as door:
        late = await browser.ask(door, A_QUERY)
        await browser.browse(door, A_RENAMING)
        browser.take(late)

    assert browser.demands["c-1"] == 2


async def test_the_next_write_gathers_what_the_last_ones_left() -> None:
    """A browser carries two cookies however much it writes: one of writes, one of queries."""
    browser = Browser()
    async with open_door(token_cookie=True) as door:
        for answer in [await browser.ask(door, write) for write in (A_MUTATION, A_RENAMING)]:
            browser.take(answer)
        await browser.browse(door, A_QUERY)
        many = len(browser.cookies)
        for write in (A_PRICE, A_RENAMING):
            await browser.browse(door, write)

    assert many == 3
    assert len(browser.cookies) == 2
    assert browser.demands == {"o-1": 2, "c-1": 2, "p-1": 2}


@pytest.mark.parametrize(
    ("address", "told", "is_secure"),
    [
        ("http://gateway.test/graphql", None, False),
        ("https://gateway.test/graphql", None, True),
        ("http://gateway.test/graphql", "https", True),
        ("http://gateway.test/graphql", "HTTPS, http", True),
        ("http://gateway.test/graphql", "http, https", False),
    ],
)
async def test_a_cookie_that_came_by_https_never_travels_without(
    address: str, told: str | None, is_secure: bool
) -> None:
    """`Secure` is set where the browser came by https, to us or to the first proxy before us."""
    headers = {} if told is None else {"x-forwarded-proto": told}
    async with open_door(token_cookie=True) as door:
        answer = await door.client.post(address, json={"query": A_MUTATION}, headers=headers)

    [attributes] = set_by(answer).values()
    assert ("Secure" in attributes) is is_secure


async def test_a_cookie_of_a_strange_name_is_not_ours() -> None:
    """What is not named as we name is neither read nor removed, nor is its name repeated."""
    async with open_door(token_cookie=True) as door:
        strange = [f"{NAME}-old", f"{NAME}.", f"{NAME}.a b", f"{NAME}.\xe9", f"{NAME}.{'a' * 99}"]
        with capture_logs() as logged:
            sent = "; ".join(f"{name}=x" for name in strange).encode("latin-1")
            answer = await door.client.post(
                "/graphql", json={"query": "{ __typename }"}, headers=[(b"cookie", sent)]
            )

    assert "set-cookie" not in answer.headers
    assert logged == []


def test_the_fullest_cookie_has_two_kilobytes_at_most() -> None:
    """Name and token of the largest cookie stay below what any proxy takes for one header."""
    token = base64.urlsafe_b64encode(bytes(MAX_BODY_BYTES + MAC_BYTES)).rstrip(b"=")
    name = f"{NAME}.{'x' * SUFFIX_CHARACTERS}"

    assert len(f"{name}=") + len(token) <= 2048
