import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import HttpUrl, ValidationError

from gateway.settings import Settings, SettingsError
from gateway.token_key import make_key
from projections.versions import AggregateType
from projections.views import STALENESS_BUDGETS_S


def read(**variables: str) -> Settings:
    return Settings.from_environment({f"BFF_{name}": value for name, value in variables.items()})


def refusal(**variables: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read(**variables)
    return str(refused.value)


def test_an_empty_environment_is_a_gateway_before_the_local_services() -> None:
    """Without a single variable the gateway listens locally and knows the stubs' addresses."""
    settings = Settings.from_environment({})

    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert str(settings.orders_url) == "http://127.0.0.1:8001/"
    assert str(settings.customers_url) == "http://127.0.0.1:8002/"
    assert str(settings.products_url) == "http://127.0.0.1:8003/"


def test_what_tells_of_the_inside_is_off_unless_asked_for() -> None:
    """Playground, introspection, anonymous key and cookie are no defaults of a real gateway."""
    settings = Settings.from_environment({})

    assert not settings.playground
    assert not settings.introspection
    assert not settings.token_cookie
    assert settings.token_keys is None


def test_variables_of_others_are_none_of_our_business() -> None:
    """Only names that begin with the prefix are read, and only they can be wrong."""
    settings = Settings.from_environment({"PORT": "1", "HTTP_PROXY": "x", "bff_port": "2"})

    assert settings.port == 8000


def test_the_environment_wins_over_the_defaults_of_a_role() -> None:
    """`bff dev` switches the playground on, and BFF_PLAYGROUND=false switches it off again."""
    role: dict[str, object] = {"playground": True, "introspection": True}

    settings = Settings.from_environment({"BFF_PLAYGROUND": "false"}, defaults=role)

    assert not settings.playground
    assert settings.introspection


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("PORT", "abc", "valid integer"),
        ("PORT", "", "valid integer"),
        ("PORT", "0", "greater than or equal to 1"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("ORDERS_URL", "orders:8001", "url scheme"),
        ("ORDERS_URL", "http://", "empty host"),
        ("EVENTS", "carrier pigeon", "'feed', 'kafka' or 'none'"),
        ("REQUEST_TIMEOUT_S", "soon", "valid number"),
        ("REQUEST_TIMEOUT_S", "nan", "less than or equal to 60"),
        ("REQUEST_TIMEOUT_S", "inf", "less than or equal to 60"),
        ("PLAYGROUND", "perhaps", "valid boolean"),
        ("SUBJECT_HEADER", "x session\r\n", "pattern"),
        ("LOG_FORMAT", "xml", "'console' or 'json'"),
        ("DATA_DIR", "", "at least 1 character"),
    ],
)
def test_a_bad_value_is_named_with_its_problem(name: str, value: str, problem: str) -> None:
    """A refusal names the variable, says what is wrong and quotes what was given."""
    text = refusal(**{name: value})

    assert text.startswith(f"BFF_{name}: ")
    assert problem in text
    assert f"(given: {value!r})" in text


def test_a_password_in_a_bad_address_is_not_repeated() -> None:
    """What is quoted of a bad address leaves out who may log in there."""
    text = refusal(ORDERS_URL="htp://bff:hunter2@orders.test")

    assert "orders.test" in text
    assert "hunter2" not in text


def test_all_bad_values_are_told_at_once() -> None:
    """One start shows every problem, a line each, not the first alone."""
    lines = refusal(PORT="x", EVENTS="y", WAIT_CAP_MS="-1").splitlines()

    assert [line.partition(":")[0] for line in lines] == [
        "BFF_PORT",
        "BFF_EVENTS",
        "BFF_WAIT_CAP_MS",
    ]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("PROT", "BFF_PORT"),
        ("port", "BFF_PORT"),
        ("ORDER_URL", "BFF_ORDERS_URL"),
        ("TOKEN_KEY", "BFF_TOKEN_KEYS"),
        ("REQUEST_TIMEOUT", "BFF_REQUEST_TIMEOUT_S"),
        ("BODY_LIMIT", "BFF_BODY_LIMIT_BYTES"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_right_one(name: str, nearest: str) -> None:
    """A name of our prefix that does not exist stops the start and names its nearest neighbour."""
    text = refusal(**{name: "1"})

    assert text == f"BFF_{name}: there is no such setting; did you mean {nearest}?"


def test_a_name_that_resembles_nothing_is_answered_with_where_to_look() -> None:
    """Where no neighbour is near, the refusal names the command that lists all names."""
    assert "`bff settings` lists all names" in refusal(ZZZZZZZZ="1")


def test_an_unknown_name_does_not_show_its_value() -> None:
    """A misspelt secret is refused by its name; its value stays out of the log."""
    assert "hunter2" not in refusal(TOKEN_KEYZ="hunter2")


def test_settings_are_frozen() -> None:
    """What was read at the start cannot be changed while the gateway runs."""
    settings = read(PORT="9000")

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 9001  # type: ignore[misc]  # the very thing that must not work

    assert settings.port == 9000


@given(st.binary(min_size=1, max_size=64))
def test_a_token_key_is_never_quoted(secret: bytes) -> None:
    """Whatever is wrong with BFF_TOKEN_KEYS, the refusal does not repeat any of its secrets."""
    text = base64.b64encode(secret).decode()
    for keys in (f"1:{text}", f"99:{text}", f"1:{text}!", f"x{text}", f"1:{text},1:{text}"):
        settings = read(TOKEN_KEYS=keys)

        try:
            settings.read_token_keys()
        except SettingsError as refused:
            told = str(refused)
            assert told.startswith("BFF_TOKEN_KEYS: ")
            assert len(text) < 8 or text not in told
        assert len(text) < 8 or text not in repr(settings)


def test_a_key_of_the_wrong_type_is_not_quoted_either() -> None:
    """A role that hands in something else than a text is told so, without the secret."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({}, defaults={"token_keys": ["1:hunter2"]})

    assert str(refused.value).startswith("BFF_TOKEN_KEYS: ")
    assert "hunter2" not in str(refused.value)


def test_a_gateway_without_a_key_says_how_to_make_one() -> None:
    """Asked for keys that were not given, the settings name the variable and the command."""
    with pytest.raises(SettingsError, match=r"BFF_TOKEN_KEYS.*`bff token key` makes one"):
        read().read_token_keys()


def test_keys_can_stand_in_a_file(tmp_path: Path) -> None:
    """A mounted secret is as good as a variable, with or without a newline at its end."""
    file = tmp_path / "token.keys"
    file.write_text(f"{make_key(7)}\n")

    settings = read(TOKEN_KEYS_FILE=str(file))

    assert settings.has_token_keys
    assert settings.read_token_keys().signing.id == 7


@pytest.mark.parametrize(
    ("content", "finding"),
    [(None, "No such file or directory"), (b"1:hunter2", ""), (b"\xff\xfe", "")],
)
def test_a_file_without_usable_keys_is_named_and_not_quoted(
    content: bytes | None, finding: str, tmp_path: Path
) -> None:
    """The refusal says which variable named the file, and nothing of what stands in it."""
    file = tmp_path / "token.keys"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as refused:
        read(TOKEN_KEYS_FILE=str(file)).read_token_keys()

    assert str(refused.value).startswith(f"BFF_TOKEN_KEYS_FILE: {finding}")
    assert "hunter2" not in str(refused.value)


def test_keys_come_from_one_place(tmp_path: Path) -> None:
    """Keys given twice are refused rather than one of them passed over."""
    settings = read(TOKEN_KEYS=make_key(), TOKEN_KEYS_FILE=str(tmp_path / "token.keys"))

    with pytest.raises(SettingsError, match="BFF_TOKEN_KEYS and BFF_TOKEN_KEYS_FILE"):
        settings.read_token_keys()


def test_an_address_ends_without_a_slash_where_paths_are_added() -> None:
    """A base address given with a slash and without leads to the same requests."""
    settings = read(ORDERS_URL="http://orders.test/api/")

    assert settings.service_urls["orders"] == "http://orders.test/api"


def test_kafka_needs_a_store_that_is_shared() -> None:
    """Projectors share partitions, so rows in the memory of one would be missing in the others."""
    assert "BFF_EVENTS=kafka needs BFF_STORE=redis" in refusal(EVENTS="kafka")
    assert read(EVENTS="kafka", STORE="redis").store == "redis"


def test_live_connections_leave_room_for_others() -> None:
    """Sockets that fill all connections would leave none for queries, and for `/readyz`."""
    assert "raise that" in refusal(LIVE_CONNECTIONS="100", CONNECTION_LIMIT="100")
    assert read(CONNECTION_LIMIT="100").connection_limit == 100


def test_a_password_is_never_quoted() -> None:
    """Not even in the message that says what is wrong with its neighbour."""
    text = refusal(REDIS_URL="http://:hunter2@redis.test", KAFKA_PASSWORD="")

    assert "BFF_REDIS_URL" in text
    assert "hunter2" not in text


def test_every_read_model_has_a_staleness_budget() -> None:
    """One setting is the budget of all read models, and each may have one of its own."""
    declared = read()
    chosen = read(STALENESS_BUDGET_MS="4000", CUSTOMERS_STALENESS_BUDGET_MS="60000")

    assert declared.staleness_budgets_s == STALENESS_BUDGETS_S
    assert chosen.staleness_budgets_s == {
        AggregateType.ORDER: 4.0,
        AggregateType.CUSTOMER: 60.0,
        AggregateType.PRODUCT: 4.0,
    }
    assert chosen.read_options().staleness_budgets_s == chosen.staleness_budgets_s


@given(st.integers(min_value=500, max_value=600_000), st.sampled_from(["ORDERS_", "PRODUCTS_", ""]))
def test_a_quiet_feed_never_spends_the_budget(budget_ms: int, whose: str) -> None:
    """Where nothing is said of polls, three of them fit into the shortest budget, of a second."""
    settings = read(**{f"{whose}STALENESS_BUDGET_MS": str(budget_ms)})

    wait_s = settings.feed_options().wait_s
    shortest_ms = min(budget_ms, 2500) if whose else budget_ms
    assert 3 * round(wait_s * 1000) <= shortest_ms
    assert 0.16 < wait_s <= 1.0


@pytest.mark.parametrize("wait_s", ["0.05", "0.833"])
def test_a_poll_that_fits_into_the_budget_is_as_long_as_it_was_set(wait_s: str) -> None:
    """Up to a third of the shortest budget the length of a poll is free."""
    assert read(FEED_WAIT_S=wait_s).feed_options().wait_s == float(wait_s)


def test_a_poll_that_would_spend_the_budget_is_refused_with_both_ways_out() -> None:
    """The refusal names the longest poll and the shortest budget, and what it names is accepted."""
    text = refusal(FEED_WAIT_S="1.0", PRODUCTS_STALENESS_BUDGET_MS="1000")

    assert text == (
        "BFF_FEED_WAIT_S: a quiet feed that holds polls for 1 s would spend the shortest staleness "
        "budget with nothing wrong; set it to 0.333 at most, or BFF_PRODUCTS_STALENESS_BUDGET_MS "
        "to 3000 at least"
    )
    assert read(FEED_WAIT_S="0.333", PRODUCTS_STALENESS_BUDGET_MS="1000").events == "feed"
    assert read(FEED_WAIT_S="1.0", STALENESS_BUDGET_MS="3000").events == "feed"


def test_a_poll_that_nobody_makes_fits_anywhere() -> None:
    """How long feeds are polled is no contradiction where events come from elsewhere."""
    assert read(FEED_WAIT_S="30", EVENTS="kafka", STORE="redis").feed_wait_s == 30


def test_the_reserve_of_live_reads_never_eats_the_deadline() -> None:
    """Of a short deadline at most a quarter is kept back for the way to the owner."""
    settings = read(REQUEST_TIMEOUT_S="0.4")

    assert settings.read_options().live_reserve_s == pytest.approx(0.1)
    assert HttpUrl("http://127.0.0.1:8001") == settings.orders_url
