"""A flood of forged tokens: what is sent, in which rounds, and which reads it is held against."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest

from benchmarks.figures import Verdict
from benchmarks.flood_rounds import ROUNDS, Kind, Plan, block_ratios, by_kind, used_by_kind
from benchmarks.forged_tokens import (
    FLOODER,
    TEXT_CHARACTERS,
    VICTIM,
    Carrier,
    Forger,
    Forgery,
    cheap_requests,
    forged_requests,
)
from benchmarks.keep_alive import Connections, Errand
from benchmarks.token_flood import read_figures
from projections.token_codec import Invalid, InvalidReason, Opened, TokenCodec, TokenKey, TokenKeys

KEYS = TokenKeys(TokenKey(7, b"a secret of these tests alone".ljust(32)))
CODEC = TokenCodec(KEYS)
NOW_MINUTE = 30_000_000
PLAN = Plan(first_at_s=0.0, round_s=10.0, rate=100.0)
KIND_COUNT = len(Kind)


@pytest.fixture
def forger() -> Forger:
    return Forger(KEYS, NOW_MINUTE, random.Random(1))


class TestForgeries:
    @pytest.mark.parametrize(
        ("forgery", "reason"),
        [
            (Forgery.CHANGED, InvalidReason.BAD_MAC),
            (Forgery.GARBAGE, InvalidReason.NOT_BASE64),
            (Forgery.FOREIGN, InvalidReason.BAD_MAC),
        ],
    )
    def test_each_is_refused_for_what_is_wrong_with_it(
        self, forger: Forger, forgery: Forgery, reason: InvalidReason
    ) -> None:
        """None is refused sooner than it has to be, which would make the flood a cheap one."""
        assert CODEC.open_token(forger.forge(forgery), FLOODER, NOW_MINUTE) == Invalid(reason)

    def test_one_of_another_subject_is_genuine(self, forger: Forger) -> None:
        """Whom it was sealed for may use it."""
        assert isinstance(
            CODEC.open_token(forger.forge(Forgery.FOREIGN), VICTIM, NOW_MINUTE), Opened
        )

    @pytest.mark.parametrize("forgery", [Forgery.CHANGED, Forgery.GARBAGE])
    def test_made_up_ones_are_as_long_as_a_token_may_be(
        self, forger: Forger, forgery: Forgery
    ) -> None:
        """Two kilobytes: a longer one would be refused unread."""
        assert len(forger.forge(forgery)) == TEXT_CHARACTERS == 2048

    def test_no_two_are_alike(self, forger: Forger) -> None:
        """So nothing can be remembered from one request to the next."""
        requests = forged_requests(forger, "localhost", 90)

        assert len({flooding.request for flooding in requests}) == 90

    def test_every_sort_comes_in_every_place(self, forger: Forger) -> None:
        """Header, argument and input object in turn, equally often."""
        sort_count = len(Forgery) * len(Carrier)
        requests = forged_requests(forger, "localhost", 10 * sort_count)

        in_header = sum(b"X-Consistency-Token: " in flooding.request for flooding in requests)
        assert in_header == 10 * len(Forgery)

    def test_cheap_requests_are_as_long(self, forger: Forger) -> None:
        """The control costs the network as much: two kilobytes, in header and body."""
        cheap = [len(flooding.request) for flooding in cheap_requests("localhost", 2)]
        forged = [len(flooding.request) for flooding in forged_requests(forger, "localhost", 9)]

        assert min(cheap) > TEXT_CHARACTERS
        assert max(cheap) < max(forged)


class TestRounds:
    def test_each_kind_has_as_many_rounds(self) -> None:
        """Six each."""
        assert Counter(ROUNDS) == dict.fromkeys(Kind, 6)

    def test_each_kind_comes_once_in_each_three_rounds(self) -> None:
        """Noise that lasts longer than a round falls on all kinds."""
        blocks = [ROUNDS[at : at + KIND_COUNT] for at in range(0, len(ROUNDS), KIND_COUNT)]

        assert all(set(block) == set(Kind) for block in blocks)

    @pytest.mark.parametrize("since_s", [-1.0, 0.5, 10.9, 180.0])
    def test_what_is_due_outside_or_while_a_round_begins_is_of_none(self, since_s: float) -> None:
        """Before, after, and in the first tenth of any."""
        assert PLAN.kind_at(since_s) is None

    def test_a_read_belongs_to_the_round_in_which_it_was_due(self) -> None:
        """However late it was answered."""
        reads = [(at * PLAN.round_s + 9.9, took_s) for at, took_s in enumerate(took_by_round())]

        spreads = by_kind(PLAN, reads)

        assert {kind: one.p50 for kind, one in spreads.items()} == TOOK_S
        assert {one.count for one in spreads.values()} == {6}

    def test_blocks_are_compared_with_their_own_quiet(self) -> None:
        """One ratio for each three neighbouring rounds: a block that was slow as a whole is not."""
        slow = [1.0, 1.0, 1.0, 50.0, 1.0, 1.0]
        reads = [
            (at * PLAN.round_s + 5.0, took_s * slow[at // KIND_COUNT])
            for at, took_s in enumerate(took_by_round())
        ]

        ratios = block_ratios(PLAN, reads, Kind.FORGED)

        assert ratios == pytest.approx([2.0] * 6)

    def test_processor_time_counts_where_both_looks_are_of_a_kind(self) -> None:
        """Steps over the edge of a round belong to none."""
        shares = {Kind.QUIET: 0.1, Kind.FORGED: 0.5, Kind.CHEAP: 0.3}
        used = looks(lambda at_s: shares[ROUNDS[int(at_s // PLAN.round_s)]])

        assert used_by_kind(PLAN, used) == pytest.approx(shares)


class TestVerdict:
    @pytest.mark.parametrize(
        ("forged_s", "late_s", "verdict"),
        [
            (1.0, 0.001, Verdict.PASS),
            (2.0, 0.001, Verdict.SHORT),
            (1.0, 0.02, Verdict.TOLD),
            (2.0, 0.02, Verdict.TOLD),
        ],
    )
    def test_a_ratio_is_judged_only_where_the_machine_is_still(
        self, forged_s: float, late_s: float, verdict: Verdict
    ) -> None:
        """Noise as great in quiet rounds would pass any gateway, and fail any."""
        dues = [at * PLAN.round_s + 5.0 for at in range(len(ROUNDS))]
        took = {Kind.QUIET: 1.0, Kind.FORGED: forged_s, Kind.CHEAP: 1.0}
        readers = {
            "reads": [(due_s, took[kind]) for due_s, kind in zip(dues, ROUNDS, strict=True)],
            "late": [(due_s, late_s) for due_s in dues],
        }

        ratio, *_ = read_figures(PLAN, readers, "")

        assert ratio.value == forged_s
        assert ratio.verdict is verdict


TOOK_S = {Kind.QUIET: 1.0, Kind.FORGED: 2.0, Kind.CHEAP: 3.0}


def took_by_round() -> list[float]:
    return [TOOK_S[kind] for kind in ROUNDS]


def looks(share_at: Callable[[float], float]) -> list[tuple[float, float]]:
    """A look each half second through all rounds."""
    step_s, used_s = 0.5, 0.0
    seen: list[tuple[float, float]] = []
    for number in range(round(PLAN.seconds / step_s)):
        seen.append((number * step_s, used_s))
        used_s += step_s * share_at(number * step_s)
    return seen


class TestConnections:
    async def test_all_that_was_given_is_answered_before_they_close(self) -> None:
        """Errands without a free connection wait for one; answers may come in pieces."""
        answers: list[bytes] = []
        server = await asyncio.start_server(answer_in_pieces, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        connections = Connections()

        async with server, connections.open(f"http://{host}:{port}", 2):
            for number in range(10):
                connections.put(Errand(b"%d\n" % number, answers.append))

        assert sorted(answers) == [reply_to(b"%d\n" % number) for number in range(10)]
        assert connections.lost_count == 0

    async def test_a_connection_that_is_cut_is_counted(self) -> None:
        """And its errand is not waited for any more."""
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        connections = Connections()

        async with server, connections.open(f"http://{host}:{port}", 1):
            connections.put(Errand(b"1\n", lambda _: None))

        assert connections.lost_count == 1


def reply_to(line: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(line), line)


async def answer_in_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        for byte in reply_to(line):
            writer.write(bytes([byte]))
            await writer.drain()
    writer.close()
    await writer.wait_closed()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.close()
    await writer.wait_closed()
