"""What covers a demand, and what one answer for two demands has to be."""

import pytest

from projections.versions import Version
from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.live_demand import LiveDemand, RowAnswer
from resolvers.upstream.options import SharingOptions
from tests.builders.rows import product_row

NEW_EPOCH = LiveDemand(Version(2, 1))


@pytest.mark.parametrize(
    ("answer", "is_covered"),
    [
        (product_row("p-1", 1, epoch=2), True),
        (product_row("p-1", 2, epoch=2), True),
        (product_row("p-1", 9, epoch=1), False),
        (None, False),
        (UpstreamUnavailable("products"), True),
    ],
)
def test_a_demand_is_covered_by_its_version_and_all_above(
    answer: RowAnswer, *, is_covered: bool
) -> None:
    """The epoch comes first; absence has no version; a failure shows nothing that could be old."""
    assert NEW_EPOCH.is_covered_by(answer) == is_covered


@pytest.mark.parametrize("answer", [product_row(), None])
def test_no_demand_is_covered_by_anything(answer: RowAnswer) -> None:
    """Who demands no version is content with any row, and with none."""
    assert LiveDemand().is_covered_by(answer)


def test_joined_demands_are_as_strict_as_the_strictest() -> None:
    """One answer for two readers has the greater version, and is shared only if both may."""
    newer, sharing = LiveDemand(Version(2, 1)), LiveDemand(Version(1, 9), may_share=True)

    assert newer.joined_with(sharing) == sharing.joined_with(newer) == LiveDemand(Version(2, 1))
    assert sharing.joined_with(LiveDemand(may_share=True)) == sharing


@pytest.mark.parametrize(
    "options",
    [
        {"fresh_s": -0.1},
        {"fresh_s": 61},
        {"fresh_s": 0.1, "absent_fresh_s": 0.2},
        {"entry_limit": 0},
        {"extension_s": float("nan")},
    ],
)
def test_a_sharing_option_out_of_range_is_named(options: dict[str, float]) -> None:
    """A refused option says its name and the refused value; absences leave before rows do."""
    name = list(options)[-1]

    with pytest.raises(ValueError, match=f"^{name} must be between .* not "):
        SharingOptions(**options)  # type: ignore[arg-type] # entry_limit is an int, and refused
