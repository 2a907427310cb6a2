import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import NOBODY_KNOWN, cli
from gateway.app import create_app
from gateway.dev import _to_try, identified_by
from gateway.identity.development import DEV_IDENTITIES, kept_secret
from gateway.settings import Settings
from tests.gateway.front_door import A_QUERY, Exchange, part
from tests.gateway_in_process import KEYS

BODY = json.dumps({"query": A_QUERY}).encode()
EVENTS = {"events": "none", "anonymous": "everything", "playground": True}


def a_dev_house(folder: Path) -> tuple[object, str]:
    """The gateway of `bff dev`, without its services."""
    secret = kept_secret(folder)
    settings = Settings.model_validate(EVENTS).model_copy(update=identified_by(secret))
    return create_app(settings, KEYS, dev_secret=secret), secret


async def listed(app: object) -> Exchange:
    exchange = Exchange(method="GET", path="/playground/identities", headers={})
    await exchange.run(app)  # type: ignore[arg-type]  # an application
    return exchange


async def asked_as(app: object, token: str | None) -> Exchange:
    headers = {"content-type": "application/json"}
    headers |= {} if token is None else {"authorization": f"Bearer {token}"}
    exchange = Exchange([part(BODY)], headers=headers)
    await exchange.run(app)  # type: ignore[arg-type]  # an application
    return exchange


async def test_the_playground_is_told_whom_to_be(tmp_path: Path) -> None:
    """Staff, two customers of the demo data, and a visitor, each with a token of her own."""
    app, _ = a_dev_house(tmp_path)

    exchange = await listed(app)

    assert exchange.status == 200
    assert [(one["name"], one["role"], one["customerId"]) for one in exchange.body] == [
        ("Staff", "staff", None),
        ("Customer c-1", "customer", "c-1"),
        ("Customer c-32", "customer", "c-32"),
        ("Visitor", "visitor", None),
    ]
    assert len({one["token"] for one in exchange.body}) == len(DEV_IDENTITIES)
    assert (b"cache-control", b"no-store") in exchange.sent[0]["headers"]


async def test_its_tokens_are_believed_there(tmp_path: Path) -> None:
    """A visitor is a visitor; who shows none may do everything, as before."""
    app, _ = a_dev_house(tmp_path)
    tokens = {one["name"]: one["token"] for one in (await listed(app)).body}

    visitor = await asked_as(app, tokens["Visitor"])
    forged = await asked_as(app, tokens["Visitor"] + "x")

    assert visitor.body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert forged.status == 401


async def test_elsewhere_there_are_none() -> None:
    """Not even where the playground is shown."""
    app = create_app(Settings.model_validate(EVENTS), KEYS)

    assert (await listed(app)).status == 404


def test_the_key_stays_and_is_its_user_s_alone(tmp_path: Path) -> None:
    """Tokens outlive a restart."""
    secret = kept_secret(tmp_path)

    [file] = tmp_path.iterdir()
    assert kept_secret(tmp_path) == secret
    assert len(secret) >= 32
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--customer", "c-7"], "Customer c-7"),
        (["--staff"], "Staff"),
        ([], "Visitor"),
    ],
    ids=["customer", "staff", "visitor"],
)
async def test_a_command_prints_a_token(
    options: list[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For curl, by the same key."""
    monkeypatch.setenv("BFF_DATA_DIR", str(tmp_path))
    app, _ = a_dev_house(tmp_path)

    printed = CliRunner().invoke(cli, ["identity", "token", *options]).output.strip()

    exchange = await asked_as(app, printed)
    assert exchange.status == 200, name


@pytest.mark.parametrize("has_own_identity", [True, False])
def test_the_welcome_shows_how_to_be_somebody(*, has_own_identity: bool) -> None:
    """And how to follow an order; whoever has an issuer of her own has no identities of ours."""
    to_try = dict(_to_try("http://x/graphql", has_own_identity=has_own_identity))
    commands = [shlex.split(command) for command in to_try.values()]
    bodies = [json.loads(words[words.index("-d") + 1])["query"] for words in commands]

    assert [words[1] for words in commands][:2] == ["-s", "-N"]
    assert bodies[1].startswith("subscription")
    assert any("identity token" in command for command in to_try.values()) is has_own_identity


def test_who_serves_nobody_is_told_so() -> None:
    """In one line, with what to set."""
    assert "\n" not in NOBODY_KNOWN
    assert {"BFF_JWT_KEYS_URL", "BFF_JWT_SECRET", "BFF_ANONYMOUS=visitor"} <= set(
        NOBODY_KNOWN.replace(";", " ").split()
    )
