"""How long owners' answers are shown, as the settings say it and as the budgets allow it."""

import pytest

from gateway.settings import Settings
from resolvers.read_request import ReadOptions
from resolvers.upstream.options import SharingOptions


def sharing(**settings: object) -> SharingOptions:
    return Settings.model_validate(settings).sharing_options()


def test_the_defaults_are_those_of_the_options() -> None:
    """Nothing is said twice."""
    assert sharing() == SharingOptions()
    assert Settings().read_options().stale_if_error_s == ReadOptions().stale_if_error_s


@pytest.mark.parametrize(
    ("settings", "shown_s"),
    [
        ({}, 1.5),
        ({"live_revalidate_ms": 0}, 0.5),
        ({"live_revalidate_ms": 60_000}, 2.5),
        ({"live_revalidate_ms": 60_000, "orders_staleness_budget_ms": 1000}, 1.0),
        ({"live_fresh_ms": 3000}, 3.0),
        ({"live_fresh_ms": 0}, 0.0),
    ],
    ids=str,
)
def test_no_row_is_shown_while_it_is_asked_for_beyond_a_budget(
    settings: dict[str, object], shown_s: float
) -> None:
    """The shortest staleness budget ends it; where nothing is shared nothing is shown stale."""
    assert sharing(**settings).shown_s == pytest.approx(shown_s)


def test_one_limit_holds_for_all_that_stands_in() -> None:
    """Rows of the projection and kept answers are as old at most as the setting says."""
    settings = Settings.model_validate({"stale_if_error_s": 5})

    assert settings.sharing_options().if_error_s == 5
    assert settings.read_options().stale_if_error_s == 5
