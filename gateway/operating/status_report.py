"""What the parts of a house tell of themselves, and what somebody should do about it: pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.freshness import Freshness
from gateway.watcher import Hearing, HearingState
from projections.generations import GenerationCounts
from projections.positions import Partition, SourcePosition

CLOSED = "closed"
READY = "ready"
STALE = "stale"


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """Where one partition stands, and how fresh that is."""

    partition: Partition
    position: SourcePosition
    freshness: Freshness


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
class GatewayStatus:
    """What one gateway tells. ``hearing``: state and reason; None where no news can be lost."""

    url: str
    status: str
    sources: Mapping[str, Freshness] = field(default_factory=dict)
    circuits: Mapping[str, str] = field(default_factory=dict)
    hearing: Hearing | None = None


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
            question = "is `bff project` running, and the relay of the service?"
            yield from _of_freshness(str(one.partition), one.freshness, question)
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
            case GatewayStatus():
                yield from _of_gateway(told, is_projecting=status.projection is None)


def _of_gateway(told: GatewayStatus, *, is_projecting: bool) -> Iterator[str]:
    url = told.url
    if told.status not in {READY, STALE}:
        yield f"{url}: {told.status}: it reads live, or not at all, until it is ready"
    for source, freshness in told.sources.items():
        if is_projecting:
            yield from _of_freshness(f"{source} in {url}", freshness, "is the service's feed up?")
        elif freshness.is_spent:
            yield f"{url}: finds {source} older than its staleness budget, and reads it live"
    if told.hearing is not None and told.hearing.state is HearingState.DEAF:
        yield (
            f"{url}: {told.hearing.reason}: what it shows stays right and costs more; may it "
            "subscribe to the news of the store?"
        )
    for service, state in told.circuits.items():
        if state != CLOSED:
            yield (
                f"{url}: circuit of {service} is {state}: it fails or does not answer; "
                "the gateway's log says why (circuit_changed)"
            )


def _of_freshness(what: str, found: Freshness, question: str) -> Iterator[str]:
    if not found.is_caught_up:
        left = "" if found.remaining_count is None else f", {found.remaining_count:,} to go"
        yield f"{what}: still reading its log{left}: read live until then"
    elif found.age_s is None:
        yield f"{what}: never proven current: {question}"
    elif found.is_spent:
        yield (
            f"{what}: not proven current for {round(found.age_s, 1):g} s, and read live after "
            f"{found.budget_s:g} s: {question}"
        )
