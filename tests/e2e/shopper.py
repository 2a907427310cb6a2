"""A client of the gateway that carries nothing by itself: tokens go where a test sends them."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx

from tests.answer_truth import Examination
from tests.truth.sent import Request, open_unchecked

Json = dict[str, Any]

TOKEN_HEADER: Final = "X-Consistency-Token"
SESSION_HEADER: Final = "X-Session"
TOKEN_COOKIE: Final = "bff-consistency"
ANSWER_LIMIT_S: Final = 30.0
NO_COOKIES: Final = DefaultCookiePolicy(allowed_domains=[])
EVENTUAL: Final[Json] = {"eventual": True}
LIVE: Final[Json] = {"live": True}

ORDER: Final = """
query Order($id: ID!, $consistency: Consistency) {
  order(id: $id, consistency: $consistency) {
    id version status note total
    customer { id version name }
    items { quantity unitPrice lineTotal product { id version name } }
  }
}"""
ORDERS: Final = """
query Orders($customerId: ID!, $status: OrderStatus, $consistency: Consistency) {
  orders(customerId: $customerId, status: $status, first: 100, consistency: $consistency) {
    edges { node { id version status } }
  }
}"""
WRITES: Final = {
    "placeOrder": ("PlaceOrderInput", "order"),
    "updateOrder": ("UpdateOrderInput", "order"),
    "cancelOrder": ("CancelOrderInput", "order"),
    "updateCustomer": ("UpdateCustomerInput", "customer"),
    "updateProduct": ("UpdateProductInput", "product"),
}


def quiet_client(address: str = "", cookies: CookieJar | None = None) -> httpx.Client:
    """An HTTP client that reads nothing from the environment and keeps no cookies without a jar."""
    return httpx.Client(
        base_url=address,
        cookies=CookieJar(policy=NO_COOKIES) if cookies is None else cookies,
        trust_env=False,
        timeout=ANSWER_LIMIT_S,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # loading certificates takes 30 ms
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the gateway, and how long it took (s)."""

    response: httpx.Response
    took_s: float

    @property
    def body(self) -> Json:
        body: Json = self.response.json()
        return body

    @property
    def data(self) -> Json:
        data: Json = self.body["data"]
        return data

    @property
    def errors(self) -> list[Json]:
        return list(self.body.get("errors", ()))

    @property
    def codes(self) -> dict[str, str]:
        """Error code by response path, list indexes included; a refused request has the path ''."""
        return {
            ".".join(map(str, error.get("path", ()))): error["extensions"]["code"]
            for error in self.errors
        }

    @property
    def consistency(self) -> Json:
        consistency: Json = self.body["extensions"]["consistency"]
        return consistency

    @property
    def token(self) -> str:
        """The joined token of the operation."""
        token = self.consistency["token"]
        assert isinstance(token, str), self.body
        return token

    def shown(self, path: str) -> tuple[str, str]:
        """Source and reason of the first component at this path."""
        return next(
            (component["source"], component["reason"])
            for component in self.consistency["components"]
            if component["path"] == path
        )


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of one mutation: its payload, and the token that promises it."""

    answer: Answer
    payload: Json
    resource: Json | None

    @property
    def token(self) -> str:
        """The promise of this write alone."""
        token = self.payload["consistencyToken"]
        assert isinstance(token, str), self.answer.body
        return token

    @property
    def id(self) -> str:
        assert self.resource is not None, self.answer.body
        return str(self.resource["id"])

    @property
    def version(self) -> int:
        assert self.resource is not None, self.answer.body
        return int(self.resource["version"])

    @property
    def user_errors(self) -> list[Json]:
        return list(self.payload["userErrors"])


@dataclass(frozen=True, slots=True)
class Shopper:
    """Asks and writes. ``session`` is the subject that a trusted proxy would name."""

    http: httpx.Client
    session: str | None = None

    def ask(
        self,
        query: str,
        variables: Mapping[str, object] | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run one operation; ``token`` travels in the header. No answer is let pass that is untrue.

        Of what a gateway did, as much is known as the answer itself and its tokens tell.
        """
        sent = dict(headers or {})
        if token is not None:
            sent[TOKEN_HEADER] = token
        if self.session is not None:
            sent[SESSION_HEADER] = self.session
        started_at_s = time.monotonic()
        response = self.http.post(
            "/graphql", json={"query": query, "variables": dict(variables or {})}, headers=sent
        )
        took_s = time.monotonic() - started_at_s
        if response.is_success:
            request = Request(query, variables or {})
            Examination.of(response, request, took_s, open_unchecked).require_truth()
        return Answer(response, took_s)

    def order(
        self,
        order_id: str,
        consistency: Json | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The details of one order."""
        variables = {"id": order_id, "consistency": consistency}
        return self.ask(ORDER, variables, token=token, headers=headers)

    def orders(
        self,
        customer_id: str,
        consistency: Json | None = None,
        *,
        token: str | None = None,
        status: str | None = None,
    ) -> Answer:
        """The first hundred of a customer's orders."""
        variables = {"customerId": customer_id, "status": status, "consistency": consistency}
        return self.ask(ORDERS, variables, token=token)

    def mutate(
        self, mutation: str, given: Mapping[str, object], *, token: str | None = None
    ) -> Answer:
        """One mutation with this input, whatever becomes of it."""
        input_type, shows = WRITES[mutation]
        document = (
            f"mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ "
            f"{shows} {{ id version }} consistencyToken "
            "userErrors { code field currentVersion } } }"
        )
        return self.ask(document, {"input": given}, token=token)

    def write(
        self, mutation: str, given: Mapping[str, object], *, token: str | None = None
    ) -> Written:
        """One mutation that is answered with its payload."""
        answer = self.mutate(mutation, given, token=token)
        payload: Json = answer.data[mutation]
        return Written(answer, payload, payload[WRITES[mutation][1]])

    def place(self, customer_id: str, *, token: str | None = None, **more: object) -> Written:
        """A new order, of two pieces of p-1 if nothing else is said."""
        return self.write("placeOrder", order_input(customer_id, **more), token=token)


def order_input(customer_id: str = "c-1", **more: object) -> Json:
    """The input of a valid order of two pieces of p-1, with more or other fields."""
    items = [{"productId": "p-1", "quantity": 2}]
    return {"customerId": customer_id, "items": items, **more}


def listed_ids(answer: Answer) -> list[str]:
    """The orders in a list, in its order."""
    return [edge["node"]["id"] for edge in answer.data["orders"]["edges"]]
