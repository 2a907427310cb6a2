"""The checker of convergence: in the end the projection is what its owners say."""

from projections.views.orders import OrderStatus
from tests.laws.proof.convergence import Held, Holdings, ListKey, projection_converges
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Key
from tests.laws.proof.tale import Tale, at, order, product

ALL: ListKey = ("c-1", None)
PLACED: ListKey = ("c-1", OrderStatus.PLACED)


def rows_of(tale: Tale) -> dict[Key, Held]:
    """The newest of everything that was committed."""
    return {commit.key: Held(commit.at, commit.state) for commit in tale.commits}


def stories_of(tale: Tale, holdings: Holdings) -> list[str]:
    """What the checker tells."""
    found = projection_converges(Evidence(tale.history()), holdings)
    return [violation.story for violation in found]


def three_orders() -> Tale:
    """One that is placed, one that was cancelled, one that was deleted."""
    tale = Tale()
    for number in (1, 2, 3):
        tale.commit(order(number))
    tale.commit(order(2), status=OrderStatus.CANCELLED)
    tale.commit(order(3), is_deletion=True)
    return tale


def test_a_projection_that_is_as_its_owners_say_passes() -> None:
    """Newest rows, tombstones included, and every list with its orders, newest first."""
    tale = three_orders()
    lists = {ALL: ("o-2", "o-1"), PLACED: ("o-1",)}

    assert stories_of(tale, Holdings(rows_of(tale), lists)) == []


def test_a_tombstone_may_be_dropped_at_the_end() -> None:
    """No row and a tombstone say the same."""
    tale = three_orders()
    rows = rows_of(tale)
    del rows[order(3)]

    assert stories_of(tale, Holdings(rows)) == []


def test_a_lost_an_old_an_invented_and_a_changed_row_are_caught() -> None:
    """Whatever differs from its owner is told."""
    tale = Tale()
    for key in (product(1), product(2), product(2), product(3)):
        tale.commit(key)
    rows = {
        product(2): Held(at(1), tale.commits[1].state),
        product(3): Held(at(1), {"note": "as of another"}),
        product(4): Held(at(1), {}),
    }

    assert stories_of(tale, Holdings(rows)) == [
        "the projection holds product:p-1 not at all, and its owner is at 0.1",
        "the projection holds product:p-2 at 0.1, and its owner is at 0.2",
        "the projection holds product:p-3 at 0.1, but not as it was committed",
        "the projection holds product:p-4 at 0.1, and its owner has no such thing",
    ]


def test_a_list_that_differs_from_its_rows_is_caught() -> None:
    """An index that was written outside the atomic apply keeps a cancelled order as placed."""
    tale = three_orders()

    [story] = stories_of(tale, Holdings(rows_of(tale), {PLACED: ("o-2", "o-1")}))

    assert story == "the PLACED list of c-1 is ('o-2', 'o-1'), not ('o-1',)"


def test_a_row_that_its_owner_forgot_may_stay() -> None:
    """Nobody tells the projection of a loss; the owner's next change of the row outdates it."""
    tale = Tale()
    tale.commit(product())
    lost = tale.commit(product())
    tale.lose(lost)
    rows = {product(): Held(lost.at, lost.state)}
    forgotten = stories_of(tale, Holdings(rows))

    tale.commit(product(), version=at(2, epoch=1))

    assert forgotten == []
    assert len(stories_of(tale, Holdings(rows))) == 1
