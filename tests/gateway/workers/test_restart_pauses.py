"""How soon a worker that ended is started again."""

import pytest

from gateway.workers.options import RestartOptions

OPTIONS = RestartOptions()
SOON_S = 1.0


def test_a_worker_that_did_well_comes_back_soon() -> None:
    """Its end is no sign of trouble, whatever the pause before it was."""
    assert OPTIONS.pause_after(30.0, OPTIONS.well_s) == OPTIONS.first_pause_s


def test_pauses_grow_to_the_longest() -> None:
    """Who ends again and again soon takes no processor from those that serve."""
    pauses_s = [0.0]
    for _ in range(12):
        pauses_s.append(OPTIONS.pause_after(pauses_s[-1], SOON_S))

    assert pauses_s[1] == OPTIONS.first_pause_s
    assert pauses_s == sorted(pauses_s)
    assert pauses_s[9] < OPTIONS.longest_pause_s == pauses_s[10] == pauses_s[-1]


def test_a_first_pause_is_not_longer_than_the_longest() -> None:
    """Numbers that contradict each other are refused."""
    with pytest.raises(ValueError, match="first_pause_s"):
        RestartOptions(first_pause_s=31.0)
