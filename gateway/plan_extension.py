"""`extensions.plan`: what an operation did, as a waterfall; for people who develop against it.

One line for each attempt at a call, each answer that cost no call, each wait and each guess, in the
order in which they began. Bounded, and without the name of any host. Off in production: it tells
how the house is built, and doubles a small answer.
"""

from collections import Counter
from dataclasses import dataclass, field

from gateway.errors import Json
from resolvers.upstream.call_log import CallLog, CallNote, CallStep

LINE_LIMIT = 200
"""Lines of one plan, at most; a longer one is read by nobody."""

BAR_WIDTH = 24
"""Characters of the longest bar."""

Call = tuple[str, str]
"""What a note is about: the service, and the call in words."""


@dataclass(slots=True)
class PlanLine:
    """One bar of the waterfall; times are s of the loop, ``ended_at_s`` None while it lasts."""

    note: CallNote
    outcome: str
    ended_at_s: float | None = None
    attempt: int = 0
    is_hedge: bool = False
    queued_at_s: float | None = None
    detail: str = ""


@dataclass(slots=True)
class Waterfall:
    """The lines so far, and what is known of calls that have not been sent yet."""

    lines: list[PlanLine] = field(default_factory=list)
    _open: dict[int | Call, PlanLine] = field(default_factory=dict)
    _queued_at_s: dict[Call, float] = field(default_factory=dict)
    _retries: Counter[Call] = field(default_factory=Counter)
    _hedges: Counter[Call] = field(default_factory=Counter)

    def add(self, note: CallNote) -> None:
        """Draw what a note tells."""
        call = (note.service, note.about)
        match note.step:
            case CallStep.QUEUED:
                self._queued_at_s[call] = note.at_s
            case CallStep.RETRIED:
                self._retries[call] += 1
            case CallStep.HEDGED:
                self._hedges[call] += 1
            case CallStep.SENT:
                self._send(call, note)
            case CallStep.ANSWERED | CallStep.FAILED:
                self._end(call, note)
            case CallStep.JOINED | CallStep.WAITED:
                self._open[call] = self._draw(note)
            case CallStep.KEPT | CallStep.GUESSED | CallStep.REFUSED:
                self._draw(note).ended_at_s = note.at_s
            case CallStep.PROBED | CallStep.BEGAN | CallStep.ENDED:
                pass  # of a call whose attempts have their lines

    def _draw(self, note: CallNote) -> PlanLine:
        line = PlanLine(note, note.step.value, detail=note.detail)
        self.lines.append(line)
        return line

    def _send(self, call: Call, note: CallNote) -> None:
        line = self._draw(note)
        line.queued_at_s = self._queued_at_s.pop(call, None)
        line.attempt = 1 + self._retries[call]
        line.is_hedge = self._hedges[call] > 0
        self._hedges[call] -= line.is_hedge
        self._open[note.attempt or call] = line

    def _end(self, call: Call, note: CallNote) -> None:
        line = self._open.pop(note.attempt or call, None)
        if line is not None:
            line.ended_at_s = note.at_s
            line.detail = note.detail or line.detail
            if line.note.step is CallStep.SENT:
                line.outcome = note.step.value


def render_plan(log: CallLog, now_s: float) -> Json:
    """The extension of one answer that is given at ``now_s`` (s of the loop)."""
    waterfall = Waterfall()
    for note in log.notes:
        waterfall.add(note)
    drawn = waterfall.lines[:LINE_LIMIT]
    span_s = max(now_s - log.began_at_s, 1e-9)
    plan: Json = {
        "tookMs": _ms(now_s - log.began_at_s),
        "calls": [_line(line, log.began_at_s, span_s) for line in drawn],
    }
    if omitted_count := log.omitted_count + len(waterfall.lines) - len(drawn):
        plan["omitted"] = omitted_count
    return plan


def _line(line: PlanLine, began_at_s: float, span_s: float) -> Json:
    start_s = line.note.at_s - began_at_s
    end_s = None if line.ended_at_s is None else line.ended_at_s - began_at_s
    rendered: Json = {
        "bar": _bar(start_s / span_s, (span_s if end_s is None else end_s) / span_s),
        "startMs": _ms(start_s),
        "endMs": None if end_s is None else _ms(end_s),
        "service": line.note.service,
        "what": line.note.about,
        "outcome": line.outcome,
    }
    if line.attempt:
        rendered["attempt"] = line.attempt
    if line.is_hedge:
        rendered["hedge"] = True
    if line.queued_at_s is not None:
        rendered["queuedMs"] = _ms(line.note.at_s - line.queued_at_s)
    if line.detail:
        rendered["detail"] = line.detail
    return rendered


def _bar(start_ratio: float, end_ratio: float) -> str:
    """A stretch of the operation, drawn: at least one character long.

    >>> _bar(0.5, 1.0)
    '············████████████'
    """
    first = min(BAR_WIDTH - 1, int(start_ratio * BAR_WIDTH))
    last = max(first + 1, min(BAR_WIDTH, round(end_ratio * BAR_WIDTH)))
    return "·" * first + "█" * (last - first) + "·" * (BAR_WIDTH - last)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
