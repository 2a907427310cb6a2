"""Every number of the door's policy: its unit, default, allowed range, and where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionOptions:
    """How much is let in at a time, and how long anybody waits for that."""

    is_on: bool = True
    """Off, whoever comes is let in: the control of the measurements."""

    operation_limit: int = 1_000
    """Operations begun and not yet answered, 1–100,000. A thousand: more than a process begins
    within its deadline of 2 s, so it is reached only where nearly all of them wait for others."""

    begin_limit: int = 4
    """Operations that begin in one turn of the loop, 1–100. Four of 1.5 ms keep a turn, and so a
    refusal, below 10 ms; with one alone, a turn made long by refusals would leave it too little."""

    busy_limit: int = 16
    """Operations in flight above which another begins only after a short turn, 1–100,000. An
    operation takes some 25 turns, so 16 are enough to fill each; more would only all be later."""

    short_turn_s: float = 0.001
    """Processor time (s) of a turn up to which the loop has time to spare, 0.000,1–0.1. A
    millisecond: less than one operation takes, so those in flight wait for others."""

    queue_time_s: float = 0.1
    """Seconds that anybody waits to be let in, 0.001–5. A tenth: a burst, or a pause of the
    machine, of that length is ridden out; the other 95 % of the deadline are for the work."""

    burst_ratio: float = 0.5
    """Share of that time that a newcomer may be reckoned to wait, 0–1. Half: what is reckoned lags
    behind, and who is taken into the line shall not be refused at its end."""

    standing_ratio: float = 0.2
    """The same for reads, once there has been a queue for all of that time, 0–1. A fifth, 20 ms,
    as CoDel tells a burst from a standing queue, which makes everybody late and serves nobody
    sooner; a few operations are enough to keep the processor busy."""

    pace_floor_s: float = 0.000_2
    """Seconds from one beginning to the next that are reckoned with at least, 0.000,01–0.1: what
    the cheapest operation takes. So the line is bounded before anything is measured: by 250."""

    new_pace_s: float = 0.005
    """Seconds from one beginning to the next that a new line is reckoned with at most, whatever the
    one before was like, 0.000,1–1. Five milliseconds: more than an operation takes of the
    processor, so that ten may come at once after a line that was slow for other reasons."""

    pace_weight: float = 0.1
    """Weight of the newest in the mean of paces, above 0 and up to 1. A tenth: some twenty
    operations decide, and one pause of the machine is forgotten in as many."""

    retry_after_s: float = 1.0
    """Seconds after which who is refused is asked to come back, 0.1–60, plus or minus half of them
    by lot: those who are refused together must not come back together."""

    shedding_s: float = 1.0
    """Seconds after the last refusal for which the door says that it sheds load, 0.1–60."""

    def __post_init__(self) -> None:
        for name, lowest, highest in RANGES:
            value: float = getattr(self, name)
            if not lowest <= value <= highest:
                raise ValueError(f"{name} must be between {lowest:g} and {highest:g}, not {value}")


RANGES = (
    ("operation_limit", 1, 100_000),
    ("begin_limit", 1, 100),
    ("busy_limit", 1, 100_000),
    ("short_turn_s", 0.000_1, 0.1),
    ("queue_time_s", 0.001, 5),
    ("burst_ratio", 0, 1),
    ("standing_ratio", 0, 1),
    ("pace_floor_s", 0.000_01, 0.1),
    ("new_pace_s", 0.000_1, 1),
    ("pace_weight", 0.01, 1),
    ("retry_after_s", 0.1, 60),
    ("shedding_s", 0.1, 60),
)
