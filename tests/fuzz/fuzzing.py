"""Random requests, asked of a running gateway one after another, each answer judged."""

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from hypothesis import HealthCheck, Phase, given, seed, settings

from gateway.errors import ErrorCode
from tests.e2e.shopper import TOKEN_HEADER, quiet_client
from tests.fuzz.random_requests import GOOD_TOKEN, RandomRequest, random_requests

INSIDE: Final = re.compile(r"Traceback|\.py\b|127\.0\.0\.1|localhost|site-packages")
CODES: Final = frozenset(ErrorCode) - {ErrorCode.INTERNAL_ERROR}


@dataclass(frozen=True, slots=True)
class FuzzBlock:
    """So many requests of one seed, to the gateway at this address."""

    address: str
    seed: int
    request_count: int


@dataclass(slots=True)
class FuzzProof:
    """What was answered; ``story`` tells the first answer that should not have been."""

    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    took_s: float = 0.0
    story: str | None = None


def fuzz(block: FuzzBlock) -> FuzzProof:
    """Ask all of them; stops at the first answer that is wrong."""
    proof, began_s = FuzzProof(), time.monotonic()
    with quiet_client(block.address) as http:
        sender = _Sender(http, proof)

        @seed(block.seed)
        @settings(
            max_examples=block.request_count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(random_requests())
        def ask(request: RandomRequest) -> None:
            if proof.story is None:
                proof.story = sender.ask(request)

        ask()
    proof.took_s = time.monotonic() - began_s
    return proof


class _Sender:
    """Sends requests with the last token it was given, and judges what comes back."""

    def __init__(self, http: httpx.Client, proof: FuzzProof) -> None:
        self._http = http
        self._proof = proof
        self._token = ""

    def ask(self, request: RandomRequest) -> str | None:
        """What is wrong with the answer, with its request; None if nothing."""
        document = request.document.replace(GOOD_TOKEN, self._token)
        sent = RandomRequest(document, request.headers, request.is_get)
        response = self._http.request(
            "GET" if sent.is_get else "POST",
            sent.target("/graphql"),
            content=sent.body(),
            headers=self._headers(sent),
        )
        self._token = response.headers.get(TOKEN_HEADER, self._token)
        self._proof.statuses[response.status_code] += 1
        wrong = what_is_wrong(response, self._proof.codes)
        return wrong and f"{wrong}\n\n{sent.headers}\n{document}\n\n{response.text[:2_000]}"

    def _headers(self, request: RandomRequest) -> dict[str, str]:
        given = {k: v.replace(GOOD_TOKEN, self._token) for k, v in request.headers.items()}
        return given if request.is_get else {**given, "Content-Type": "application/json"}


def what_is_wrong(response: httpx.Response, codes: Counter[str]) -> str | None:
    """Why this should not have been answered; None if it may be. Counts its ``codes``."""
    if response.status_code >= 500:
        return f"status {response.status_code}"
    if response.status_code == httpx.codes.NOT_MODIFIED:
        return None if not response.content else "a body where there is none"
    if INSIDE.search(response.text):
        return "the inside is told"
    try:
        answer: Any = response.json()
    except ValueError:
        return "no JSON"
    told = [error.get("extensions", {}).get("code") for error in answer.get("errors", ())]
    codes.update(str(code) for code in told)
    unknown = set(told) - CODES
    return f"coded {unknown}" if unknown else None
