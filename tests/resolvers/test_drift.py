import pytest

from projections.projector import StoredRow
from projections.versions import Version
from resolvers.answer import Failed
from resolvers.drift import (
    Ahead,
    Behind,
    Different,
    DriftReport,
    Missing,
    Same,
    Unchecked,
    Verdict,
    compare,
    look_again,
    may_be_late,
)
from resolvers.upstream.errors import UpstreamUnavailable
from tests.builders.rows import customer_key, customer_row, product_row

KEY = customer_key()


def stored(version: int, *, epoch: int = 1, name: str = "Ada Abel") -> StoredRow:
    row = customer_row(version=version, epoch=epoch, name=name)
    return StoredRow(row, row.at)


def buried(version: int) -> StoredRow:
    return StoredRow(None, Version(1, version))


LIVE = customer_row(version=3)


@pytest.mark.parametrize(
    ("row", "live", "verdict"),
    [
        (stored(3), LIVE, Same(KEY)),
        (stored(2), LIVE, Behind(KEY, Version(1, 2), LIVE, is_suspect=False)),
        (None, LIVE, Behind(KEY, None, LIVE, is_suspect=False)),
        (buried(2), LIVE, Behind(KEY, Version(1, 2), LIVE, is_suspect=False)),
        (stored(3, name="Eve"), LIVE, Different(KEY, Version(1, 3), ("name",))),
        (stored(4), LIVE, Ahead(KEY, Version(1, 4), Version(1, 3))),
        (buried(4), LIVE, Ahead(KEY, Version(1, 4), Version(1, 3))),
        (stored(3), None, Missing(KEY, Version(1, 3))),
        (buried(3), None, Same(KEY)),
        (None, None, Same(KEY)),
        (
            stored(3),
            Failed(UpstreamUnavailable("customers")),
            Unchecked(KEY, "customers is unavailable"),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_version_first_then_content(row: StoredRow | None, live: object, verdict: Verdict) -> None:
    """Every pair of a row and its owner's answer has one verdict, by version before content."""
    assert compare(KEY, row, live) == verdict  # type: ignore[arg-type]  # a table of them


def test_greater_epoch_is_newer_whatever_its_number() -> None:
    """An owner that lost history is ahead of the row, not behind it."""
    live = customer_row(version=1, epoch=2)

    assert compare(KEY, stored(9), live) == Behind(KEY, Version(1, 9), live, is_suspect=False)


def test_tombstone_at_the_version_of_a_row_differs_in_everything() -> None:
    """Deleted and there at the same version cannot both be true; every field is told."""
    verdict = compare(KEY, buried(3), LIVE)

    assert isinstance(verdict, Different)
    assert set(verdict.fields) == {"id", "version", "epoch", "name", "email"}


def test_row_known_to_be_poisoned_is_behind_for_a_reason() -> None:
    """A suspect row is told as one, and no second look is taken: its event will not come."""
    verdict = compare(KEY, stored(2), LIVE, is_suspect=True)

    assert verdict == Behind(KEY, Version(1, 2), LIVE, is_suspect=True)
    assert may_be_late(verdict) is None


def test_only_what_time_can_mend_may_be_late() -> None:
    """Older rows and rows whose tombstone is on its way get a second look, nothing else."""
    assert may_be_late(compare(KEY, stored(2), LIVE)) == Version(1, 3)
    assert may_be_late(compare(KEY, stored(3), None)) == Version(1, 4)
    for verdict in (Same(KEY), Different(KEY, Version(1, 3), ()), compare(KEY, stored(4), LIVE)):
        assert may_be_late(verdict) is None


@pytest.mark.parametrize(
    ("later", "verdict"),
    [
        (stored(3), Same(KEY)),
        (stored(4), Same(KEY)),
        (stored(3, name="Eve"), Different(KEY, Version(1, 3), ("name",))),
        (stored(2), compare(KEY, stored(2), LIVE)),
        (None, compare(KEY, stored(2), LIVE)),
    ],
    ids=["arrived", "passed", "arrived wrong", "still behind", "gone"],
)
def test_second_look_judges_the_row_as_it_is_by_then(
    later: StoredRow | None, verdict: Verdict
) -> None:
    """What was only late is the same, or differs; what has not come is behind."""
    assert look_again(compare(KEY, stored(2), LIVE), later) == verdict


def test_missing_thing_is_the_same_when_its_tombstone_has_come() -> None:
    """A deletion that was on its way is no drift; a row that stays is."""
    missing = compare(KEY, stored(3), None)

    assert look_again(missing, buried(4)) == Same(KEY)
    assert look_again(missing, stored(3)) == missing


def test_only_what_is_behind_can_be_healed() -> None:
    """The report hands out owners' answers for rows that are behind, and for no others."""
    product = product_row(version=2)
    report = DriftReport(
        (
            Same(KEY),
            Behind(product.key, None, product, is_suspect=False),
            Different(KEY, Version(1, 3), ("name",)),
            Missing(KEY, Version(1, 3)),
            Unchecked(KEY, "gone"),
        )
    )

    assert report.healing_rows == (product,)
    assert [type(verdict) for verdict in report.drifted] == [Behind, Different, Missing]
    assert report.unchecked == (Unchecked(KEY, "gone"),)
