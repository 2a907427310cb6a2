"""What the parts of a house tell of themselves, and what somebody should do about it: pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from projections.generations import GenerationCounts
from projections.positions import Partition, SourcePosition

STALLED_AFTER_S = 10.0
"""The age of a proof (s) that needs a look: ten heartbeats, or polls, that did not come."""

CLOSED = "closed"
READY = "ready"


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """Where one partition stands. ``age_s`` is that of its proof, None before the first."""

    partition: Partition
    position: SourcePosition
    age_s: float | None

    @classmethod
    def of(cls, partition: Partition, position: SourcePosition, now_s: float) -> "PartitionStatus":
        """``now_s``: epoch seconds."""
        is_proven = position.is_caught_up and position.proven_at_s > 0
        age_s = max(0.0, now_s - position.proven_at_s) if is_proven else None
        return cls(partition, position, age_s)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source's read model. ``building`` is None while nothing is being built."""

    source: str
    partitions: tuple[PartitionStatus, ...]
    active: GenerationCounts
    building: GenerationCounts | None


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """The shared projection."""

    sources: tuple[SourceStatus, ...]
    letter_count: int


@dataclass(frozen=True, slots=True)
class SourceLag:
    """How far a gateway says that a source is."""

    is_caught_up: bool
    remaining_count: int | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """What one gateway tells."""

    url: str
    status: str
    sources: Mapping[str, SourceLag] = field(default_factory=dict)
    circuits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewaySilent:
    """A gateway that told nothing, and why."""

    url: str
    reason: str


Told = GatewayStatus | GatewaySilent


@dataclass(frozen=True, slots=True)
class Status:
    """The whole house. ``projection`` is None where every gateway keeps its own."""

    projection: ProjectionStatus | None
    gateways: tuple[Told, ...]

    @property
    def is_known(self) -> bool:
        """Whether anybody told anything about the projection."""
        answered = any(isinstance(told, GatewayStatus) for told in self.gateways)
        return self.projection is not None or answered


def things_to_do(status: Status) -> Sequence[str]:
    """One line for each thing that is wrong: what it is, and what to do about it."""
    return [*_of_projection(status.projection), *_of_gateways(status)]


def _of_projection(projection: ProjectionStatus | None) -> Iterator[str]:
    if projection is None:
        return
    for source in projection.sources:
        if not source.partitions:
            yield f"{source.source}: nothing was ever projected: start `bff project`"
        for one in source.partitions:
            yield from _of_lag(
                str(one.partition),
                SourceLag(one.position.is_caught_up, one.position.remaining_count, one.age_s),
                "is `bff project` running, and the relay of the service?",
            )
        if source.active.suspect_count:
            yield (
                f"{source.source}: {source.active.suspect_count:,} marked suspect by events that "
                "could not be read, and read live: see `bff dead-letters list`"
            )


def _of_gateways(status: Status) -> Iterator[str]:
    for told in status.gateways:
        match told:
            case GatewaySilent(url=url, reason=reason):
                yield f"{url}: {reason}: is `bff serve` running there?"
            case GatewayStatus(url=url):
                if told.status != READY:
                    yield f"{url}: {told.status}: it reads live, or not at all, until it is ready"
                if status.projection is None:
                    for source, lag in told.sources.items():
                        yield from _of_lag(f"{source} in {url}", lag, "is the service's feed up?")
                for service, state in told.circuits.items():
                    if state != CLOSED:
                        yield (
                            f"{url}: circuit of {service} is {state}: it fails or does not answer; "
                            "the gateway's log says why (circuit_changed)"
                        )


def _of_lag(what: str, lag: SourceLag, question: str) -> Iterator[str]:
    if not lag.is_caught_up:
        left = "" if lag.remaining_count is None else f", {lag.remaining_count:,} to go"
        yield f"{what}: still reading its log{left}: read live until then"
    elif lag.age_s is None or lag.age_s > STALLED_AFTER_S:
        found = "never proven current"
        if lag.age_s is not None:
            found = f"not proven current for {lag.age_s:.0f} s"
        yield f"{what}: {found}: {question}"
