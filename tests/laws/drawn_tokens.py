"""Small tokens and views that meet, for laws: few keys, versions, logs and instants."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

from projections.positions import LogPlace
from projections.token import ConsistencyToken, FloorKey, Seen, merge
from projections.versions import AggregateKey, AggregateType, Version

NOW_MINUTE = 29_000_000
NOW_S = NOW_MINUTE * 60.0

types = st.sampled_from(AggregateType)


@dataclass(frozen=True)
class FakeView:
    """A view that shows these versions, stands at these places and was proven at these instants.

    Nobody has looked for those that are ``passed_over``.
    """

    versions: Mapping[AggregateKey, Version] = field(default_factory=dict)
    places: Mapping[tuple[AggregateType, int], LogPlace] = field(default_factory=dict)
    proven: Mapping[AggregateType, float] = field(default_factory=dict)
    is_ahead: bool = False
    passed_over: Collection[AggregateKey] = ()

    def is_sure_of(self, key: AggregateKey) -> bool:
        return key not in self.passed_over

    def version_of(self, key: AggregateKey) -> Version | None:
        return self.versions.get(key)

    def place_of(self, aggregate_type: AggregateType, partition: int) -> LogPlace | None:
        return self.places.get((aggregate_type, partition))

    def proven_at_s(self, aggregate_type: AggregateType) -> float | None:
        return self.proven.get(aggregate_type)

    def is_streamed(self, key: AggregateKey, at: Version) -> bool:
        return not self.is_ahead and self.versions.get(key, Version(-1, 0)) >= at

    def floor_of(self, aggregate_type: AggregateType) -> dict[FloorKey, int]:
        return {
            FloorKey(of, partition, place.log): place.offset
            for (of, partition), place in self.places.items()
            if of is aggregate_type
        }


# Few keys, versions, logs and instants, so that what is drawn meets.
few_keys = st.builds(AggregateKey, types, st.sampled_from(["1", "2", "3"]))
few_versions = st.builds(Version, st.integers(0, 2), st.integers(1, 4))
few_seconds = st.integers(NOW_MINUTE * 60 - 90, NOW_MINUTE * 60 + 90)
few_logs = st.builds(FloorKey, types, st.integers(0, 1), st.integers(7, 8))
few_seen = st.builds(Seen, st.integers(0, 5), st.integers(NOW_MINUTE - 2, NOW_MINUTE))
worlds = st.dictionaries(few_keys, few_versions)
seconds_by_type = st.dictionaries(types, few_seconds)


@st.composite
def tokens_with_doubts(draw: st.DrawFn) -> ConsistencyToken:
    """Any small token; doubts are of entries only."""
    entries = draw(worlds)
    doubted = draw(st.sets(st.sampled_from(sorted(entries)))) if entries else set()
    return ConsistencyToken(
        entries,
        draw(seconds_by_type),
        draw(st.dictionaries(few_logs, few_seen)),
        {key: draw(few_seconds) for key in sorted(doubted)},
        draw(st.frozensets(few_keys, max_size=2)),
    )


tokens = tokens_with_doubts()
undoubted = tokens.map(
    lambda token: ConsistencyToken(token.entries, token.marks, token.floor, {}, token.uncertain)
)
certain = tokens.map(
    lambda token: ConsistencyToken(token.entries, token.marks, token.floor, token.doubts)
)
places = st.dictionaries(
    st.tuples(types, st.integers(0, 1)),
    st.builds(LogPlace, st.integers(7, 8), st.integers(0, 5)),
)
views = st.builds(
    FakeView, worlds, places, seconds_by_type.map(lambda at: {of: float(s) for of, s in at.items()})
)


@st.composite
def growing_views(draw: st.DrawFn) -> tuple[FakeView, FakeView]:
    """A view, and a later one of the same logs."""
    view = draw(views)
    versions = merge(ConsistencyToken(view.versions), ConsistencyToken(draw(worlds))).entries
    further = {
        at: LogPlace(place.log, place.offset + draw(st.integers(0, 3)))
        for at, place in view.places.items()
    }
    proven = {of: at + draw(st.integers(0, 60)) for of, at in view.proven.items()}
    return view, FakeView(versions, further, proven)
