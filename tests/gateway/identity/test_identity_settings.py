from pathlib import Path

import pytest

from gateway.identifying import make_identity
from gateway.settings import Settings, SettingsError
from gateway.settings_reference import rows_of
from tests.gateway.identity.bearers import key_set, public_jwk

SECRET = "a shared key of these tests alone, long enough"
SHARED = {"JWT_SECRET": SECRET, "JWT_ISSUER": "us", "JWT_AUDIENCE": "shop"}
PUBLISHED = {"JWT_KEYS_URL": "https://id.test/keys", "JWT_ISSUER": "us", "JWT_AUDIENCE": "shop"}


def read(**variables: str) -> Settings:
    return Settings.from_environment({f"BFF_{name}": value for name, value in variables.items()})


def test_without_settings_nobody_is_let_in() -> None:
    """Whoever wants a door without a lock has to say so."""
    settings = read()

    assert settings.anonymous == "refused"
    assert settings.refuses_all
    assert not read(ANONYMOUS="visitor").refuses_all
    assert not read(**PUBLISHED).refuses_all


def test_algorithms_are_those_of_the_keys() -> None:
    """Pinned, whether they are named or not."""
    assert read(**SHARED).algorithms == ("HS256",)
    assert read(**PUBLISHED).algorithms == ("RS256", "ES256", "EdDSA")
    assert read(**PUBLISHED, JWT_ALGORITHMS="ES256").algorithms == ("ES256",)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({**SHARED, **PUBLISHED}, "BFF_JWT_KEYS_URL"),
        ({**SHARED, "JWT_SECRET_FILE": "/x"}, "BFF_JWT_SECRET_FILE"),
        ({"JWT_SECRET": SECRET, "JWT_ISSUER": "us"}, "BFF_JWT_AUDIENCE"),
        ({**SHARED, "JWT_ALGORITHMS": "RS256"}, "BFF_JWT_ALGORITHMS"),
        ({**SHARED, "JWT_ALGORITHMS": "HS256,RS256"}, "BFF_JWT_ALGORITHMS"),
        ({**PUBLISHED, "JWT_ALGORITHMS": "HS256"}, "BFF_JWT_ALGORITHMS"),
        ({**PUBLISHED, "JWT_ALGORITHMS": "none"}, "BFF_JWT_ALGORITHMS"),
        ({**SHARED, "ANONYMOUS": "everything"}, "BFF_ANONYMOUS=everything"),
        ({**SHARED, "SUBJECT_HEADER": "X-User"}, "BFF_SUBJECT_HEADER"),
        ({**PUBLISHED, "JWT_KEYS_URL": "file:///etc/passwd"}, "BFF_JWT_KEYS_URL"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_contradicts_itself_stops_the_start(variables: dict[str, str], name: str) -> None:
    """With the names of both, and never with the secret."""
    with pytest.raises(SettingsError, match=name) as refused:
        read(**variables)

    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("name", ["JWT_ISSUER", "JWT_AUDIENCE", "JWT_ALGORITHMS"])
def test_what_needs_a_key_does_not_stand_alone(name: str) -> None:
    """Whoever says what tokens are like believes that they are verified: a start would mislead."""
    for anonymous in ("refused", "everything"):
        with pytest.raises(SettingsError, match=f"BFF_{name} without a key"):
            read(**{name: "HS256", "ANONYMOUS": anonymous})


def test_a_short_key_is_none(tmp_path: Path) -> None:
    """Given in a variable or in a file; it is not quoted."""
    file = tmp_path / "key"
    file.write_text("hunter2\n")
    given = [
        {**SHARED, "JWT_SECRET": "hunter2"},
        {**PUBLISHED, "JWT_SECRET_FILE": str(file)},
    ]
    del given[1]["JWT_KEYS_URL"]
    for variables in given:
        with pytest.raises(SettingsError, match="32 characters") as refused:
            read(**variables).read_jwt_secret()
        assert "hunter2" not in str(refused.value)


def test_a_key_can_come_in_a_file(tmp_path: Path) -> None:
    """As secrets are mounted; a file that is not there is told by its name."""
    file = tmp_path / "key"
    variables = {"JWT_SECRET_FILE": str(file), "JWT_ISSUER": "us", "JWT_AUDIENCE": "shop"}
    with pytest.raises(SettingsError, match="BFF_JWT_SECRET_FILE: No such file"):
        read(**variables).read_jwt_secret()

    file.write_text(SECRET + "\n")

    assert read(**variables).read_jwt_secret() == SECRET.encode()
    assert read(**PUBLISHED).read_jwt_secret() is None


def test_the_key_is_masked_wherever_settings_are_shown() -> None:
    """In `bff settings`, in what Python prints of them, and in what is said against a bad one."""
    settings = read(**SHARED)
    told = {name: value for name, value, _ in rows_of(settings)}
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({}, defaults={"jwt_secret": [SECRET]})

    assert told["BFF_JWT_SECRET"] == "********"
    assert SECRET not in repr(settings) + str(refused.value) + str(told)


async def test_published_keys_are_fetched_while_the_gateway_is_open() -> None:
    """From where the settings say, and the connection is closed with it."""
    asked: list[str] = []

    class Source:
        is_closed = False

        async def fetch(self, timeout_s: float) -> bytes:
            assert timeout_s > 0
            return key_set(public_jwk("ES256"))

        async def aclose(self) -> None:
            self.is_closed = True

    source = Source()

    def source_of(url: str) -> Source:
        asked.append(url)
        return source

    identity = make_identity(
        read(**PUBLISHED), key_source=source_of, wall_clock=lambda: 0.0, observe=lambda _: None
    )
    assert identity.ring is not None
    async with identity.open():
        await identity.ring.learn()
        keys = identity.ring.keys

    assert asked == ["https://id.test/keys"]
    assert list(keys.keys) == [("ES256", "ES256")]
    assert source.is_closed
