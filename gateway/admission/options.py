"""Every number of the door's policy: its unit, default, allowed range, and where it comes from."""

from dataclasses import dataclass
from typing import Annotated

from resolvers.upstream.ranges import Between, require_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionOptions:
    """How much is let in at a time, and how long anybody waits for that."""

    is_on: bool = True
    """Off, whoever comes is let in: the control of the measurements."""

    operation_limit: Annotated[int, Between(1, 100_000)] = 1_000
    """Operations begun and not yet answered. A thousand: more than a process begins within its
    deadline of 2 s, so it is reached only where nearly all of them wait for others."""

    begin_limit: Annotated[int, Between(1, 100)] = 1
    """Operations that begin in one turn of the loop. One: to begin is the longest step of any, a
    millisecond, so turns stay short, and a refusal waits for one turn. With four, one refusal of
    ten took over 10 ms at three times the capacity."""

    busy_limit: Annotated[int, Between(1, 100_000)] = 8
    """Operations in flight above which another begins only after a short turn. An operation takes
    some 25 turns, so eight fill each; with four goodput fell by a fifth, with sixteen all were only
    later."""

    short_turn_s: Annotated[float, Between(0.000_1, 0.1)] = 0.001
    """Processor time (s) of a turn up to which the loop has time to spare. A millisecond: less than
    one operation takes, so those in flight wait for others."""

    longest_stand_s: Annotated[float, Between(0.001, 1)] = 0.02
    """Seconds after which one who waits begins after a long turn, too. Twenty milliseconds: fifty a
    second begin even where the turns are filled by what waits for nobody."""

    made_up_ratio: Annotated[float, Between(0, 100)] = 1.0
    """Processor time that those who wait are given for what was done past them: refusals at once,
    and answers at hand. One: of a thousand clients who ask again as soon as they are refused, some
    eighty are served a second, twenty with 0. With two some more are, but turns get so long that
    whoever is let in meets her deadline, of which each turn is a tenth."""

    queue_time_s: Annotated[float, Between(0.001, 5)] = 1.0
    """Seconds that anybody waits to be let in. One: half of the deadline, so that the other half is
    for the work. A page that sends forty requests at once is served, however busy the machine."""

    read_ratio: Annotated[float, Between(0, 1)] = 0.5
    """Share of that time that a read may be reckoned to wait when it comes. Half: what is reckoned
    lags behind, and who is taken into the line shall not be refused at its end."""

    write_ratio: Annotated[float, Between(0, 1)] = 0.75
    """The same for writes. Three quarters: they are what the reads before them were for."""

    pace_floor_s: Annotated[float, Between(0.000_01, 0.1)] = 0.000_2
    """Seconds from one beginning to the next that are reckoned with at least: what the cheapest
    operation takes. So the line is bounded before anything is measured."""

    new_pace_s: Annotated[float, Between(0.000_1, 1)] = 0.005
    """Seconds from one beginning to the next that a new line is reckoned with at most, whatever the
    one before was like. Five milliseconds: more than an operation takes of the processor, so that
    a hundred may come at once after a line that was slow for other reasons."""

    pace_weight: Annotated[float, Between(0.01, 1)] = 0.1
    """Weight of the newest in the mean of paces. A tenth: some twenty operations decide, and one
    pause of the machine is forgotten in as many."""

    retry_after_s: Annotated[float, Between(0.1, 60)] = 1.0
    """Seconds after which who is refused is asked to come back, plus or minus half of them by lot:
    those who are refused together must not come back together."""

    shedding_s: Annotated[float, Between(0.1, 60)] = 1.0
    """Seconds after the last refusal for which the door says that it sheds load."""

    def __post_init__(self) -> None:
        require_ranges(self)
