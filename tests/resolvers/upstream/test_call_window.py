"""The window counts what a complete log of the last seconds would count."""

from hypothesis import given
from hypothesis import strategies as st

from resolvers.upstream.call_window import CallCounts, CallWindow
from resolvers.upstream.options import BreakerOptions

WINDOW_S = 10.0
BUCKET_S = 1.0
OPTIONS = BreakerOptions(window_s=WINDOW_S, bucket_count=10)

# Eighths of a second add up exactly, so that the law can be about exact instants.
pauses_s = st.integers(min_value=0, max_value=120).map(lambda eighth_count: eighth_count / 8)
pauses_and_outcomes = st.lists(st.tuples(pauses_s, st.booleans()), max_size=60)


def counted(log: list[tuple[float, bool]], since_s: float) -> CallCounts:
    recent = [has_failed for at_s, has_failed in log if at_s > since_s]
    return CallCounts(len(recent), sum(recent))


@given(pauses_and_outcomes)
def test_window_holds_between_nine_tenths_and_all_of_its_length(
    pauses: list[tuple[float, bool]],
) -> None:
    """Every call of the last nine slices is counted, and none that is older than the window."""
    window, log, now_s = CallWindow(OPTIONS), list[tuple[float, bool]](), 1000.0

    for pause_s, has_failed in pauses:
        now_s += pause_s
        window.record(now_s, has_failed=has_failed)
        log.append((now_s, has_failed))

        counts = window.counts(now_s)
        at_least = counted(log, now_s - (WINDOW_S - BUCKET_S))
        at_most = counted(log, now_s - WINDOW_S)
        assert at_least.call_count <= counts.call_count <= at_most.call_count
        assert at_least.failure_count <= counts.failure_count <= at_most.failure_count


def test_bucket_that_comes_round_again_starts_empty() -> None:
    """A call exactly one window later does not meet the old call in its bucket."""
    window = CallWindow(OPTIONS)
    window.record(0.0, has_failed=True)

    window.record(WINDOW_S, has_failed=False)

    assert window.counts(WINDOW_S) == CallCounts(call_count=1, failure_count=0)


def test_window_empties_itself_in_silence() -> None:
    """Calls leave the window by the passing of time alone."""
    window = CallWindow(OPTIONS)
    window.record(0.0, has_failed=True)

    assert window.counts(WINDOW_S - BUCKET_S).call_count == 1
    assert window.counts(WINDOW_S).call_count == 0


def test_window_without_calls_has_no_failures() -> None:
    """No calls are no failures, not a division by zero."""
    window = CallWindow(OPTIONS)

    assert window.counts(5.0).failure_ratio == 0.0
