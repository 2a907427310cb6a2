import httpx
import pytest

from projections.token_codec import LIFETIME_MINUTES
from resolvers.tokens import MAX_TOKENS
from tests.gateway.front_door import A_MUTATION, A_QUERY, a_token, code_of, only_error, open_door

pytestmark = pytest.mark.steered_time

FORGED = "ct1BAMCC6g0CBW8tMTA0MgACQ2MtMTcAAYoIgaPO_fdBB1niE1Dfi4A"


def entries(response: httpx.Response) -> dict[str, object]:
    """What an answer demanded and could not show."""
    return {
        missing["id"]: missing["version"]
        for missing in response.json()["extensions"]["consistency"]["missing"]
    }


async def test_a_mutation_gives_its_token_as_header_and_extension() -> None:
    """The joined token is the same text in the header and in `extensions.consistency`."""
    async with open_door() as door:
        response = await door.ask(A_MUTATION)

    token = response.headers["x-consistency-token"]
    assert token.startswith("ct1")
    assert token == response.json()["extensions"]["consistency"]["token"]


async def test_an_answer_that_promises_nothing_has_no_token() -> None:
    """Without anything seen or written there is no header, and the extension says null."""
    async with open_door() as door:
        response = await door.ask("{ __typename }")

    assert "x-consistency-token" not in response.headers
    assert response.json()["extensions"]["consistency"]["token"] is None


async def test_several_tokens_are_merged() -> None:
    """Tokens in repeated headers and in one list are all honoured, the newest of each order."""
    async with open_door() as door:
        response = await door.client.post(
            "/graphql",
            json={"query": '{ order(id: "o-1", consistency: {live: true}) { id } }'},
            headers=[
                ("x-consistency-token", f"{a_token('o-1', version=3)}, {a_token('o-9')}"),
                ("x-consistency-token", a_token("o-1", version=5)),
            ],
        )

    assert entries(response)["o-1"] == 5


@pytest.mark.parametrize(
    "token",
    ["zzz", FORGED, "a" * 3000, "\xff\xfe", f"{FORGED[:-1]}B", ",".join(["a"] * (MAX_TOKENS + 1))],
    ids=["garbage", "forged", "too long", "not ascii", "other end", "too many"],
)
async def test_a_bad_token_in_the_header_is_refused_before_any_call(token: str) -> None:
    """A header token that is not ours is a 400 with its code, and no service is asked."""
    async with open_door() as door:
        response = await door.client.post(
            "/graphql",
            json={"query": A_QUERY},
            headers=[(b"x-consistency-token", token.encode("latin-1"))],
        )

    assert response.status_code == 400
    assert code_of(response) == "INVALID_CONSISTENCY_TOKEN"
    assert only_error(response)["message"].startswith("X-Consistency-Token: ")
    assert door.calls == []


async def test_one_bad_token_among_good_ones_is_refused() -> None:
    """A list is no way to smuggle: each token in it must be ours."""
    async with open_door() as door:
        response = await door.ask(
            A_QUERY, headers={"x-consistency-token": f"{a_token()}, {FORGED}"}
        )

    assert code_of(response) == "INVALID_CONSISTENCY_TOKEN"


async def test_a_token_of_another_session_is_refused() -> None:
    """Where sessions are told apart, a token opens for the session that got it alone."""
    ours = {"x-session": "ada", "x-consistency-token": a_token(subject="ada")}
    async with open_door(subject_header="X-Session") as door:
        own = await door.ask(A_QUERY, headers=ours)
        stolen = await door.ask(A_QUERY, headers={**ours, "x-session": "eve"})

    assert own.status_code == 200
    assert code_of(stolen) == "INVALID_CONSISTENCY_TOKEN"


async def test_without_a_subject_header_nobody_can_name_herself() -> None:
    """Where no proxy is trusted with a subject, a client's header of any name is no subject."""
    token = a_token(subject="anonymous")
    async with open_door() as door:
        response = await door.ask(
            A_QUERY, headers={"x-session": "eve", "x-consistency-token": token}
        )

    assert response.status_code == 200


@pytest.mark.parametrize("subject", ["\xe9\xff", "a" * 5000, "' OR 1=1", "<script>", "\x01"])
async def test_any_subject_is_only_a_name(subject: str) -> None:
    """Whatever a proxy passes as the subject, the request is answered and the token bound to it."""
    async with open_door(subject_header="X-Session") as door:
        sent = [(b"x-session", subject.encode("latin-1"))]
        first = await door.client.post("/graphql", json={"query": A_MUTATION}, headers=sent)
        token = first.headers["x-consistency-token"].encode()
        second = await door.client.post(
            "/graphql",
            json={"query": A_QUERY},
            headers=[*sent, (b"x-consistency-token", token)],
        )

    assert second.status_code == 200
    assert subject not in second.text


async def test_an_expired_token_demands_nothing_and_is_told() -> None:
    """A genuine token past its lifetime is ignored, and the answer counts it."""
    old = a_token(version=99, age_min=LIFETIME_MINUTES + 1)
    async with open_door() as door:
        response = await door.ask(A_QUERY, headers={"x-consistency-token": old})

    consistency = response.json()["extensions"]["consistency"]
    assert consistency["satisfied"]
    assert consistency["expiredTokens"] == 1
