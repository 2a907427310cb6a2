"""Rounds become ratios, bars, a table and a chart; and every answer is looked at."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.figures import Verdict
from benchmarks.peers import names
from benchmarks.speed import asks, rows
from benchmarks.speed.bars import BARS, PEER_BARS, judged, unjudged
from benchmarks.speed.chart import render_chart
from benchmarks.speed.closed_load import Account
from benchmarks.speed.measuring import NAIVE_OF, figure_of
from benchmarks.speed.page import MarkersMissing, put_between, render_table
from benchmarks.speed.results import Round, cpu_us, ratio_of


def measured(cpu_s: float, number: int = 0, **calls: float) -> Round:
    account = Account(
        request_count=1_000,
        sent_count=1_200,
        seconds=2.0,
        cpu_s=cpu_s,
        load_cpu_s=0.1,
        resident_mb=80.0,
        p50_ms=1.0,
        p99_ms=2.0,
        answer_bytes=600,
        late_count=0,
        elsewhere_count=0,
        failure_count=0,
        failures={},
    )
    return Round(number, account, calls)


def rounds(*cpu_s: float) -> list[Round]:
    return [measured(each_s, number) for number, each_s in enumerate(cpu_s)]


RESULTS = {
    rows.NAIVE_PROJECTION: rounds(4.0, 8.0, 4.4),
    rows.PROJECTION: rounds(0.1, 0.2, 0.1),
    rows.HOT: rounds(0.1, 0.2, 0.1),
    rows.RAW: rounds(0.08, 0.08, 0.08),
}


def test_a_ratio_is_of_one_round_and_told_as_the_median() -> None:
    """A round in which everything was slow has the ratio of any other."""
    ratio = ratio_of(RESULTS, rows.NAIVE_PROJECTION, rows.PROJECTION, cpu_us)

    assert ratio is not None
    assert (ratio.least, ratio.median, ratio.greatest) == pytest.approx((40.0, 40.0, 44.0))
    assert ratio_of(RESULTS, rows.NAIVE_LIVE, rows.PROJECTION, cpu_us) is None


def test_a_round_that_failed_has_no_ratio() -> None:
    """The others are of two rows of the same round all the same."""
    results = {"over": rounds(4.0, 8.0, 12.0)[1:], "under": rounds(1.0, 2.0, 3.0)}

    ratio = ratio_of(results, "over", "under", cpu_us)

    assert ratio is not None
    assert (ratio.least, ratio.greatest) == (4.0, 4.0)


def test_a_bar_is_judged_where_its_rows_were_measured() -> None:
    """The others are named, so that a row that failed is no bar that was met."""
    verdicts = {figure.name: figure.verdict for figure in judged(RESULTS)}

    assert verdicts == {
        "projection: CPU, naive over ours": Verdict.PASS,
        "projection, a thousand orders: CPU, ours over raw ASGI": Verdict.PASS,
    }
    assert len(unjudged(RESULTS)) == len(BARS) + 1 - len(verdicts)


def test_telemetry_is_held_to_the_same_read_without_it() -> None:
    """What everybody has on may cost a twentieth; the control is the row that has it off."""
    dear = {rows.UNKEPT: rounds(1.06), rows.UNMETERED: rounds(1.0)}
    cheap = {rows.UNKEPT: rounds(1.04), rows.UNMETERED: rounds(1.0)}

    assert [figure.verdict for figure in judged(dear)] == [Verdict.SHORT]
    assert [figure.verdict for figure in judged(cheap)] == [Verdict.PASS]
    assert rows.NO_TELEMETRY == {"BFF_METRICS": "false"}


def test_a_call_too_many_misses_its_bar() -> None:
    """One call of each service a page: two of any of them is one too many."""
    once = {rows.LIVE_PAGE: [measured(1.0, orders=1.0, products=1.0)]}
    twice = {rows.LIVE_PAGE: [measured(1.0, orders=1.0, products=2.0)]}

    assert [figure.verdict for figure in judged(once)] == [Verdict.PASS]
    assert [figure.verdict for figure in judged(twice)] == [Verdict.SHORT]


def test_a_row_stands_beside_its_naive_twin() -> None:
    """The figure tells the median, its rounds, and everything else in the note."""
    figure = figure_of(rows.PROJECTION, RESULTS)

    assert figure.value == pytest.approx(100.0)
    assert figure.control is not None
    assert figure.control.value == pytest.approx(4_400.0)
    assert "100–200 in 3 rounds; 500 req/s" in figure.note


def test_the_table_goes_between_its_markers() -> None:
    """What was there is replaced, what is around it stays, and without markers nothing is done."""
    page = "before\n<!-- speed: begin -->\nold\n<!-- speed: end -->\nafter\n"

    table = render_table(RESULTS, NAIVE_OF)
    written = put_between(page, "speed", table)

    assert written == f"before\n<!-- speed: begin -->\n{table}<!-- speed: end -->\nafter\n"
    assert (
        "| projection in memory | 100 (100–200) | 500 | 1.00 / 2.00 | 80 | 1/40.0 | 1.25 × |"
        in (table)
    )
    with pytest.raises(MarkersMissing):
        put_between("nothing", "speed", table)


def test_the_chart_is_a_drawing_of_what_was_measured() -> None:
    """It is well-formed, and the more a row costs, the longer its bar."""
    drawing = ET.fromstring(render_chart(RESULTS))

    widths = [float(bar.attrib["width"]) for bar in drawing.iter() if bar.tag.endswith("rect")]
    assert widths == sorted(widths, reverse=True)
    assert len(widths) == len(RESULTS)


def test_requests_ask_for_everything_once_before_anything_twice() -> None:
    """So nothing is served that was kept from the request before."""
    ask = asks.Ask(asks.DETAILS, count=50)

    signs = [ask.render("gateway", serial)[1] for serial in range(100)]

    assert len(set(signs[:50])) == 50
    assert signs[50:] == signs[:50]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n{"data":{"order":{"id":"o-1"}}}', ""),
        (b'HTTP/1.1 200 OK\r\n\r\n{"data":{"order":{"id":"o-2"}}}', "not about"),
        (b'HTTP/1.1 503 No\r\n\r\n{"data":{"order":{"id":"o-1"}}}', "not 200"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"data":{"order":{"id":"o-1"}},"errors":[]}', "errors"),
        (
            b'HTTP/1.1 200 OK\r\n\r\n{"id":"o-1","x":{"source":"LIVE","reason":"BUDGET_SPENT"}}',
            'from elsewhere, "source":"LIVE": BUDGET_SPENT',
        ),
    ],
)
def test_an_answer_counts_only_if_it_is_the_right_one(answer: bytes, complaint: str) -> None:
    """Status, errors, whose data it is, and where it came from are looked at each time."""
    ask = asks.Ask(asks.DETAILS, refused=asks.LIVE)

    found = ask.complaint(answer, b'"o-1"')

    assert found.startswith(complaint)
    assert bool(found) == bool(complaint)


def test_a_text_that_is_to_be_new_is_new_each_time() -> None:
    """No two requests have the same document."""
    bodies = {asks.NEW_TEXT.render("gateway", serial)[0] for serial in (1, 2, 20_001)}

    assert len({body.partition(b'"query": ')[2].partition(b"($id")[0] for body in bodies}) == 3


def test_what_is_stretched_for_is_no_bar() -> None:
    """A ratio without an aim is told, with what would be better still."""
    results = {names.MERCURIUS: rounds(1.0), names.OURS: rounds(2.0)}

    (figure,) = judged(results, PEER_BARS)

    assert figure.verdict is Verdict.TOLD
    assert figure.value == 0.5
    assert figure.note.endswith("stretch ≥ 1.00")
