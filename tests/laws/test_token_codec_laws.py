"""The laws of the sealed token: it comes back whole, or altered by one bit not at all."""

import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from projections import token_codec
from projections.token import EMPTY_TOKEN, ConsistencyToken, FloorKey, Seen
from projections.token_codec import Invalid, Opened, TokenCodec, TokenKey, TokenKeys, UnknownKey
from projections.token_format import TokenBody, render_body
from projections.token_inspection import inspect_token
from projections.token_parsing import parse_body
from projections.token_size import fits
from projections.versions import AggregateKey, AggregateType, Version

NOW_MINUTE = 29_000_000
OLD_KEY, NEW_KEY = TokenKey(5, b"o" * 16), TokenKey(6, b"n" * 32)
CODEC = TokenCodec(TokenKeys(NEW_KEY, also_accepted=OLD_KEY))

types = st.sampled_from(AggregateType)
any_versions = st.builds(Version, st.integers(0, 2**53 - 1), st.integers(1, 2**53 - 1))
any_ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}", fullmatch=True)
any_minutes = st.integers(0, 2**31 - 1)
any_keys = st.builds(AggregateKey, types, any_ids)
any_logs = st.builds(FloorKey, types, st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1))
any_seen = st.builds(Seen, st.integers(0, 2**53 - 1), st.just(0))


@st.composite
def tokens_that_fit(draw: st.DrawFn) -> ConsistencyToken:
    """Any token that can be sealed; what its floor tells was seen before every issue."""
    entries = draw(st.dictionaries(any_keys, any_versions, max_size=5))
    doubted = draw(st.sets(st.sampled_from(sorted(entries)))) if entries else set()
    token = ConsistencyToken(
        entries,
        draw(st.dictionaries(types, any_minutes)),
        draw(st.dictionaries(any_logs, any_seen, max_size=5)),
        {key: draw(any_minutes) for key in sorted(doubted)},
        draw(st.frozensets(any_keys, max_size=2)),
    )
    assume(fits(token))
    return token


sealable_tokens = tokens_that_fit()
subjects = st.text(max_size=40)


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text_of(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def is_refused(text: str, subject: str) -> bool:
    return isinstance(CODEC.open_token(text, subject, NOW_MINUTE), Invalid | UnknownKey)


class TestSealing:
    @given(sealable_tokens, subjects, any_minutes)
    def test_a_sealed_token_opens_to_itself(
        self, token: ConsistencyToken, subject: str, minute: int
    ) -> None:
        """Every token that fits survives the way to the client and back."""
        text = CODEC.seal(token, subject, minute)

        assert text.startswith("ct1")
        assert CODEC.open_token(text, subject, minute) == Opened(token, minute, NEW_KEY.id)

    @given(sealable_tokens)
    def test_equal_tokens_have_equal_text(self, token: ConsistencyToken) -> None:
        """The text does not depend on the order in which entries were collected."""
        backwards = ConsistencyToken(
            dict(reversed(list(token.entries.items()))),
            dict(reversed(list(token.marks.items()))),
            dict(reversed(list(token.floor.items()))),
            dict(reversed(list(token.doubts.items()))),
            frozenset(sorted(token.uncertain, reverse=True)),
        )

        assert CODEC.seal(token, "", 0) == CODEC.seal(backwards, "", 0)

    @given(sealable_tokens, subjects, subjects)
    def test_only_its_own_subject_opens_a_token(
        self, token: ConsistencyToken, subject: str, other: str
    ) -> None:
        """A token is worth nothing to any other subject, the anonymous one included."""
        assume(subject != other)

        assert is_refused(CODEC.seal(token, subject, NOW_MINUTE), other)

    @given(sealable_tokens, subjects)
    def test_an_old_key_opens_until_it_is_retired(
        self, token: ConsistencyToken, subject: str
    ) -> None:
        """Rotation never turns a genuine token into an invalid one."""
        text = TokenCodec(TokenKeys(OLD_KEY)).seal(token, subject, NOW_MINUTE)
        after_retirement = TokenCodec(TokenKeys(NEW_KEY))

        assert CODEC.open_token(text, subject, NOW_MINUTE) == Opened(token, NOW_MINUTE, OLD_KEY.id)
        assert after_retirement.open_token(text, subject, NOW_MINUTE) == UnknownKey(OLD_KEY.id)


class TestTampering:
    def test_every_single_flipped_bit_is_refused(self) -> None:
        """No bit of a token can be flipped, from its first letter to the end of its MAC."""
        token = ConsistencyToken(
            {AggregateKey(AggregateType.ORDER, "o-1"): Version(0, 3)}, {AggregateType.ORDER: 9}
        )
        sealed = bytes_of(CODEC.seal(token, "s", NOW_MINUTE))

        opened_bits = [
            bit
            for bit in range(len(sealed) * 8)
            if not is_refused(text_of(_flipped(sealed, bit)), "s")
        ]

        assert opened_bits == []

    def test_without_the_mac_some_flipped_bits_would_be_believed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: with the MAC not compared, flipped bits change what a token demands."""
        token = ConsistencyToken({AggregateKey(AggregateType.ORDER, "o-1"): Version(0, 3)})
        sealed = bytes_of(CODEC.seal(token, "s", NOW_MINUTE))
        monkeypatch.setattr(token_codec, "compare_digest", lambda mac, expected: True)

        verdicts = [
            CODEC.open_token(text_of(_flipped(sealed, bit)), "s", NOW_MINUTE)
            for bit in range((len(sealed) - token_codec.MAC_BYTES) * 8)
        ]

        assert any(isinstance(it, Opened) and it.token != token for it in verdicts)

    @given(sealable_tokens, subjects, st.data())
    def test_any_flipped_bit_of_any_token_is_refused(
        self, token: ConsistencyToken, subject: str, data: st.DataObject
    ) -> None:
        """What holds for one token bit by bit holds for tokens of every shape."""
        sealed = bytes_of(CODEC.seal(token, subject, NOW_MINUTE))
        bit = data.draw(st.integers(0, len(sealed) * 8 - 1))

        assert is_refused(text_of(_flipped(sealed, bit)), subject)

    @given(sealable_tokens, st.data())
    def test_any_changed_character_is_refused(
        self, token: ConsistencyToken, data: st.DataObject
    ) -> None:
        """A changed letter is refused even where it leaves all whole bytes as they were."""
        text = CODEC.seal(token, "s", NOW_MINUTE)
        position = data.draw(st.integers(0, len(text) - 1) | st.just(len(text) - 1))
        letter = data.draw(st.characters(codec="ascii") | st.sampled_from("AQgwBRhx-_=+/ \n"))
        assume(letter != text[position])

        assert is_refused(text[:position] + letter + text[position + 1 :], "s")

    @given(sealable_tokens, st.data())
    def test_a_truncated_text_is_refused(
        self, token: ConsistencyToken, data: st.DataObject
    ) -> None:
        """A token cut off anywhere, at either end, is refused."""
        text = CODEC.seal(token, "s", NOW_MINUTE)
        cut = data.draw(st.integers(1, len(text)))

        assert is_refused(text[:-cut], "s")
        assert is_refused(text[cut:], "s")

    @given(sealable_tokens, st.text(min_size=1) | st.sampled_from(["=", "==", "\n", " ", "A"]))
    def test_an_extended_text_is_refused(self, token: ConsistencyToken, more: str) -> None:
        """Nothing can be put before or after a token, not even padding or a blank."""
        text = CODEC.seal(token, "s", NOW_MINUTE)

        assert is_refused(text + more, "s")
        assert is_refused(more + text, "s")


def _flipped(sealed: bytes, bit: int) -> bytes:
    flipped = bytearray(sealed)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


bodies = st.builds(
    render_body, st.builds(TokenBody, st.integers(0, 63), any_minutes, sealable_tokens)
)


@st.composite
def mutated_bodies(draw: st.DrawFn) -> bytes:
    """A body with a few bytes replaced, put in or taken out: close enough to be read at times."""
    body = bytearray(draw(bodies))
    for _ in range(draw(st.integers(1, 3))):
        position = draw(st.integers(0, len(body) - 1))
        new = draw(st.sampled_from([b"", b"\x00", b"\x01", b"\x80", b"o"]) | st.binary(max_size=2))
        body[position : position + draw(st.integers(0, 1))] = new
    return bytes(body)


class TestCanonicalForm:
    @given(mutated_bodies() | st.binary(max_size=80).map(lambda rest: b"\x72\xdd\x41" + rest))
    def test_what_can_be_read_has_one_spelling(self, body: bytes) -> None:
        """Any bytes that are read at all are written again as the very same bytes."""
        read = parse_body(body)

        assert read is None or render_body(read) == body

    @given(mutated_bodies(), subjects)
    def test_any_text_that_opens_seals_to_the_same_text(self, body: bytes, subject: str) -> None:
        """Whatever body a live key signed: if it opens, sealing what it says gives it again."""
        body_of_live_key = b"\x72\xdd" + bytes([0x40 | NEW_KEY.id]) + body[3:]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(token_codec, "render_body", lambda _: body_of_live_key)
            text = CODEC.seal(EMPTY_TOKEN, subject, NOW_MINUTE)

        verdict = CODEC.open_token(text, subject, 0)

        if isinstance(verdict, Opened):
            assert CODEC.seal(verdict.token, subject, verdict.issued_minute) == text
        else:
            assert verdict == Invalid(token_codec.InvalidReason.MALFORMED)


class TestFuzz:
    @given(
        st.text()
        | st.binary().map(text_of)
        | st.binary(min_size=16).map(lambda rest: text_of(b"\x72\xdd\x46" + rest))
        | st.text("Act1-_=", max_size=2100),
        st.text(st.characters(), max_size=5),
    )
    def test_no_text_raises(self, text: str, subject: str) -> None:
        """Whatever arrives is answered with a refusal, and can be inspected."""
        assert is_refused(text, subject)
        assert not inspect_token(text, CODEC, subject).verified
        assert not inspect_token(text).verified
