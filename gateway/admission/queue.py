"""Who may begin, who waits for it, who is refused: the decisions of the door, without a clock.

The processor is what runs out first in a process with one event loop, so what is admitted is the
right to begin: one operation, or a few, in each turn of the loop. What has begun goes on in the
same turns whenever its answers come, and is never held up by what has not. Hence under overload the
requests wait here, in order and counted, and not inside the loop, where all would be late together;
and however many wait when things get better, they begin in their turn.

- While some are in flight, another begins only if the last turn left the processor time to spare:
  then those wait for others. So what computes is finished first, and what waits is in nobody's way.
- What is done past the line in a turn, refusals at once and answers at hand, makes room in the next
  for as much of what is in the line. Else a crowd that is refused and comes back at once would make
  all turns long, and leave the line one beginning in each.
- *In flight* is what has begun and is not answered. A read that waits for the projection or for a
  service counts as much as one that computes: it holds memory, and may wake at any time. It does
  not hold the turn, so the limit can be a large one.
- Requests are refused when they come, by the wait they would have: those before it times the pace
  at which the line has moved, or how long it has not moved, if that is more. So a refusal is an
  answer that nobody had to wait for, and costs no parsing. A new line takes over the pace of the
  one before, up to a bound: else a slow line of long ago would refuse the first of a new one.
- A read that would wait for half of `queue_time_s` is refused, a write that would for three
  quarters. Writes go first.
- Whoever would not begin before her deadline is refused as well, and whoever has waited for
  `queue_time_s` in fact.
"""

from collections import deque
from dataclasses import dataclass, field

from gateway.admission.lanes import Lane
from gateway.admission.options import AdmissionOptions


@dataclass(slots=True, eq=False)
class Ticket:
    """A request in the line, or begun. It is not to begin at ``gives_up_at_s`` or later."""

    lane: Lane
    arrived_at_s: float
    gives_up_at_s: float
    has_begun: bool = False


@dataclass(frozen=True, slots=True)
class Overload:
    """The request is refused: it would have waited for ``expected_wait_s``."""

    expected_wait_s: float


@dataclass(slots=True)
class AdmissionQueue:
    """The line before the gateway. Every ticket is to leave, once."""

    options: AdmissionOptions
    in_flight_count: int = 0
    _writes: deque[Ticket] = field(default_factory=deque)
    _reads: deque[Ticket] = field(default_factory=deque)
    _turn_since_s: float = 0.0
    _begun_count: int = 0
    _made_up_s: float = 0.0
    _is_busy: bool = False
    _turn_pace_s: float = 0.0
    _pace_s: float = 0.0
    _moved_at_s: float = 0.0

    @property
    def waiting_count(self) -> int:
        return len(self._writes) + len(self._reads)

    @property
    def is_turn_due(self) -> bool:
        """Is there somebody to begin, or a turn to be ended?"""
        can_begin = self.waiting_count > 0 and self._has_room
        return self._begun_count > 0 or can_begin

    def arrive(self, lane: Lane, now_s: float, deadline_at_s: float) -> Ticket | Overload:
        """Take a request in, begun or in the line, or refuse it."""
        if overload := self.overload(lane, now_s, deadline_at_s):
            return overload
        gives_up_at_s = min(now_s + self.options.queue_time_s, deadline_at_s)
        ticket = Ticket(lane, now_s, gives_up_at_s)
        if self._is_open:
            self._begin(ticket, now_s)
            return ticket
        if not self.waiting_count:
            self._moved_at_s = now_s
            self._pace_s = min(self._pace_s, self.options.new_pace_s)
        self._line_of(lane).append(ticket)
        return ticket

    def overload(self, lane: Lane, now_s: float, deadline_at_s: float) -> Overload | None:
        """Why a request that comes now would be refused; None if it would be taken in."""
        if self._is_open:
            return None
        expected_wait_s = self._expected_wait_s(lane, now_s)
        is_short_enough = expected_wait_s <= min(self._allowed_s(lane), deadline_at_s - now_s)
        return None if is_short_enough else Overload(expected_wait_s)

    def turn(self, now_s: float, used_s: float, aside_s: float = 0.0) -> list[Ticket]:
        """End the turn of the loop; the tickets that begin in the next one.

        ``used_s``: processor time that this process has used since the turn before, without
        ``aside_s``: that of what was done past the line.
        """
        options = self.options
        self._is_busy = used_s > options.short_turn_s + self._made_up_s
        self._made_up_s = options.made_up_ratio * aside_s
        begin_limit = options.begin_limit + int(self._made_up_s / options.short_turn_s)
        if self._begun_count:
            took_s = (now_s - self._turn_since_s) / self._begun_count
            self._turn_pace_s = self._mean(self._turn_pace_s, took_s)
        self._turn_since_s, self._begun_count = now_s, 0
        begun: list[Ticket] = []
        while self._can_begin(begin_limit) or (not begun and self._has_stood_long(now_s)):
            ticket = self._next(now_s)
            if ticket is None:
                break
            self._begin(ticket, now_s)
            begun.append(ticket)
        if begun:
            pace_s = (now_s - self._moved_at_s) / len(begun)
            self._pace_s, self._moved_at_s = self._mean(self._pace_s, pace_s), now_s
        return begun

    def leave(self, ticket: Ticket) -> None:
        """The ticket is given back, begun or not. Idempotent before it has begun."""
        if ticket.has_begun:
            self.in_flight_count -= 1
        elif ticket in (line := self._line_of(ticket.lane)):
            line.remove(ticket)

    @property
    def _has_room(self) -> bool:
        return self.in_flight_count < self.options.operation_limit

    @property
    def _is_open(self) -> bool:
        """May a newcomer begin at once?"""
        is_free = not self.waiting_count and self._can_begin(self.options.begin_limit)
        return is_free or not self.options.is_on

    def _can_begin(self, begin_limit: int) -> bool:
        """Now, in this turn, of which so many may?"""
        if self._is_busy and self.in_flight_count >= self.options.busy_limit:
            return False
        return self._has_room and self._begun_count < begin_limit

    def _has_stood_long(self, now_s: float) -> bool:
        """Has nobody begun for so long that one may, though the loop is busy?"""
        return self._has_room and now_s - self._moved_at_s >= self.options.longest_stand_s

    def _begin(self, ticket: Ticket, now_s: float) -> None:
        ticket.has_begun = True
        self.in_flight_count += 1
        if not self._begun_count:
            self._turn_since_s = now_s
        self._begun_count += 1

    def _next(self, now_s: float) -> Ticket | None:
        for line in (self._writes, self._reads):
            while line:
                ticket = line.popleft()
                # Else its time is over, and it is being told so: the loop has stood still.
                if now_s < ticket.gives_up_at_s:
                    return ticket
        return None

    def _line_of(self, lane: Lane) -> deque[Ticket]:
        return self._writes if lane is Lane.WRITE else self._reads

    def _expected_wait_s(self, lane: Lane, now_s: float) -> float:
        """How long one who comes now would wait."""
        ahead_count = len(self._writes) if lane is Lane.WRITE else self.waiting_count
        turn_pace_s = max(self._turn_pace_s, self.options.pace_floor_s)
        if not self.waiting_count:
            return turn_pace_s
        has_stood_s = now_s - self._moved_at_s
        return max((ahead_count + 1) * max(turn_pace_s, self._pace_s), has_stood_s)

    def _allowed_s(self, lane: Lane) -> float:
        """How long one who comes now may be reckoned to wait."""
        options = self.options
        ratio = options.write_ratio if lane is Lane.WRITE else options.read_ratio
        return options.queue_time_s * ratio

    def _mean(self, mean_s: float, newest_s: float) -> float:
        """The mean with the newest length; the first is the mean itself."""
        return mean_s + self.options.pace_weight * (newest_s - mean_s) if mean_s else newest_s
