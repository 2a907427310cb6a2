import httpx
import pytest

from gateway.freshness import Freshness
from gateway.operating import status_asking
from gateway.operating.status_asking import ask_gateway
from gateway.operating.status_report import GatewaySilent, GatewayStatus, Told
from gateway.watcher import Hearing, HearingState
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions

URL = "http://127.0.0.1:8000"
READY = b"""{"status": "catching up",
 "sources": {"orders": {"caughtUp": false, "remaining": 7, "ageMs": null},
             "products": {"caughtUp": true, "remaining": null, "ageMs": 1500, "budgetMs": 1000}},
 "circuits": {"orders.read": "half-open"},
 "watcher": {"state": "deaf", "reason": "the server does not let us do this"}}"""


async def answer_of(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception) -> Told:
    def reply(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/readyz"
        if isinstance(answer, Exception):
            raise answer
        return answer

    def make(name: str, options: UpstreamOptions) -> HttpxTransport:
        return HttpxTransport(name, options, innermost=httpx.MockTransport(reply))

    monkeypatch.setattr(status_asking, "HttpxTransport", make)
    return await ask_gateway(URL)


@pytest.mark.parametrize("code", [200, 503])
async def test_gateway_tells_how_it_is_ready_or_not(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 503 is an answer too: it says what the gateway waits for."""
    told = await answer_of(monkeypatch, httpx.Response(code, content=READY))

    assert told == GatewayStatus(
        URL,
        "catching up",
        {"orders": Freshness(False, 7, None, 2.5), "products": Freshness(True, None, 1.5, 1.0)},
        {"orders.read": "half-open"},
        Hearing(HearingState.DEAF, "the server does not let us do this"),
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.ConnectError("refused"), "does not answer"),
        (TimeoutError(), "does not answer in time"),
        (httpx.Response(200, text="<html>hello</html>"), "does not answer like a gateway"),
        (httpx.Response(200, text='{"hello": 1}'), "does not answer like a gateway"),
    ],
    ids=["refused", "late", "a page", "something else"],
)
async def test_whatever_is_no_gateway_is_silent(
    answer: httpx.Response | Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that answers there can end the command."""
    assert await answer_of(monkeypatch, answer) == GatewaySilent(URL, reason)


async def test_address_that_is_none_is_told() -> None:
    """A slip in --gateway is a reason like any other."""
    told = await ask_gateway("localhost:8000")

    assert isinstance(told, GatewaySilent)
    assert "http(s) address" in told.reason
