from pathlib import Path

import pytest

from gateway.settings import Settings, unit_of, variable_name
from gateway.settings_reference import render_reference, rows_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
KEY = "1:" + "c2VjcmV0LXNlY3JldC1zZWNyZXQ"


def rows(**variables: str) -> dict[str, tuple[str, str]]:
    settings = Settings.from_environment({f"BFF_{name}": v for name, v in variables.items()})
    return {name: (value, about) for name, value, about in rows_of(settings)}


def test_the_page_is_what_the_code_says() -> None:
    """docs/settings.md is the reference of the settings as they are; `make schema` writes it."""
    assert PAGE.read_text() == render_reference()


def test_every_setting_has_its_row() -> None:
    """No setting is missing from the page, and none is there twice."""
    listed = [line.split("`")[1] for line in render_reference().splitlines() if "| `BFF_" in line]

    assert listed == [variable_name(field) for field in Settings.model_fields]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_explained(name: str) -> None:
    """A setting has a sentence of meaning; a number has its range, and its unit in name or unit."""
    field = Settings.model_fields[name]
    value, about = rows()[variable_name(name)]

    assert field.description
    assert field.description.endswith(".")
    assert value
    if field.annotation in (int, float, int | None, float | None):
        assert " to " in about
    if name.endswith("_s"):
        assert unit_of(field) == "s"
    if name.endswith("_ms"):
        assert unit_of(field) == "ms"


def test_secrets_are_masked() -> None:
    """`bff settings` shows that keys are set, and nothing of them."""
    value, about = rows(TOKEN_KEYS=KEY)["BFF_TOKEN_KEYS"]

    assert value == "********"
    assert KEY not in about


def test_the_password_of_an_address_is_masked() -> None:
    """An address is shown whole but for its password."""
    value, _ = rows(ORDERS_URL="https://bff:hunter2@orders.test/api")["BFF_ORDERS_URL"]

    assert value == "https://bff:********@orders.test/api"


def test_the_value_now_stands_beside_the_default() -> None:
    """Who has changed a setting sees both what holds and what would hold."""
    value, about = rows(PORT="9000")["BFF_PORT"]

    assert value == "9000"
    assert "default 8000" in about
    assert "1 to 65535" in about
