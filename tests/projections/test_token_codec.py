"""Tokens as text: their sizes, the order of refusals, their age, keys and rotation."""

import base64

import pytest

from projections import token_codec
from projections.token import EMPTY_TOKEN, ConsistencyToken, FloorKey, Seen
from projections.token_codec import (
    LIFETIME_MINUTES,
    MAX_TEXT_CHARACTERS,
    Expired,
    Invalid,
    InvalidReason,
    Opened,
    TokenCodec,
    TokenKey,
    TokenKeys,
    UnknownKey,
)
from projections.token_shrinking import fit
from projections.versions import AggregateKey, AggregateType, Version

ORDER, CUSTOMER, PRODUCT = AggregateType.ORDER, AggregateType.CUSTOMER, AggregateType.PRODUCT
NOW_MINUTE = 29_000_000
SUBJECT = "acme/session-1"
OLD_KEY, NEW_KEY = TokenKey(1, b"o" * 32), TokenKey(2, b"n" * 32)
CODEC = TokenCodec(TokenKeys(OLD_KEY))
ORDER_ID = "o-01HZX3K9Q2V7B5N8"
THREE = ConsistencyToken(
    {
        AggregateKey(ORDER, ORDER_ID): Version(0, 3),
        AggregateKey(CUSTOMER, "c-123"): Version(0, 41),
        AggregateKey(PRODUCT, "p-12"): Version(1, 700),
    },
    {PRODUCT: NOW_MINUTE * 60},
)


def open_here(text: str) -> token_codec.TokenVerdict:
    return CODEC.open_token(text, SUBJECT, NOW_MINUTE)


def rendered(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def test_a_sealed_token_opens_to_the_same_value() -> None:
    """What was sealed comes back whole, with its minute of issue and the key that signed it."""
    text = CODEC.seal(THREE, SUBJECT, NOW_MINUTE)

    assert text.startswith("ct1")
    assert open_here(text) == Opened(THREE, NOW_MINUTE, OLD_KEY.id)


def test_the_format_is_the_one_that_was_published() -> None:
    """The text of a given token, key, subject and minute never changes within ``ct1``."""
    published = (
        "ct1BAcCC6g0DEW8tMDFIWlgzSzlRMlY3QjVOOAADRGMtMTIzACmDAXAtMTIB"
        "vAUBAoCW2b0GXTv9rUX71Idbd2U6ixAvKA"
    )

    assert CODEC.seal(THREE, SUBJECT, NOW_MINUTE) == published


class TestSize:
    def test_one_entry_takes_64_characters_at_most(self) -> None:
        """One entry with an 18-character id and a version of up to two bytes is a short header."""
        token = ConsistencyToken({AggregateKey(ORDER, ORDER_ID): Version(0, 16_000)})

        assert len(ORDER_ID) == 18
        assert len(CODEC.seal(token, SUBJECT, NOW_MINUTE)) <= 64

    def test_three_entries_take_128_characters_at_most(self) -> None:
        """An order with its customer and a product is still a short header."""
        assert len(CODEC.seal(THREE, SUBJECT, NOW_MINUTE)) <= 128

    def test_no_token_takes_more_than_1024_characters(self) -> None:
        """The fullest token with the greatest of everything that is made to fit is a kilobyte."""
        greatest = Version(2**53 - 1, 2**53 - 1)
        token = ConsistencyToken(
            {AggregateKey(PRODUCT, f"{number:064}"): greatest for number in range(40)},
            dict.fromkeys(AggregateType, 2**35 - 1),
            {FloorKey(ORDER, n, 2**32 - 1): Seen(2**53 - 1, 0) for n in range(2**16 - 9, 2**16)},
            uncertain=frozenset(AggregateKey(PRODUCT, f"u{number:063}") for number in range(4)),
        )

        text = CODEC.seal(fit(token, 0.0), SUBJECT, 2**35 - 1)

        assert 900 <= len(text) <= 1024
        assert isinstance(CODEC.open_token(text, SUBJECT, 2**35 - 1), Opened)

    def test_a_floor_of_eighteen_partitions_takes_300_characters_at_most(self) -> None:
        """What a reader carries in a house of three topics with six partitions each."""
        floor = {
            FloorKey(of, n, 0xC0FFEE00 + n): Seen(10**6, NOW_MINUTE)
            for of in AggregateType
            for n in range(6)
        }

        assert len(CODEC.seal(ConsistencyToken(floor=floor), SUBJECT, NOW_MINUTE)) <= 300

    def test_a_token_is_issued_no_earlier_than_its_floor_was_seen(self) -> None:
        """A process whose clock is behind seals what another has seen in what is its future."""
        token = ConsistencyToken(floor={FloorKey(ORDER, 0, 7): Seen(5, NOW_MINUTE + 1)})

        opened = open_here(CODEC.seal(token, SUBJECT, NOW_MINUTE))

        assert opened == Opened(token, NOW_MINUTE + 1, OLD_KEY.id)


class TestRefusal:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("c" * (MAX_TEXT_CHARACTERS + 1), InvalidReason.TOO_LONG),
            ("not base64!", InvalidReason.NOT_BASE64),
            ("ct1BA\n", InvalidReason.NOT_BASE64),
            ("ct1ü", InvalidReason.NOT_BASE64),
            ("ct1\ud800", InvalidReason.NOT_BASE64),
            ("ct1BA===", InvalidReason.NOT_BASE64),
            ("", InvalidReason.NOT_A_TOKEN),
            ("ct1B", InvalidReason.NOT_A_TOKEN),
            ("ct2B" + "A" * 40, InvalidReason.NOT_A_TOKEN),
            ("ct1B" + "A" * 40, InvalidReason.BAD_MAC),
        ],
    )
    def test_garbage_is_refused_with_its_reason(self, text: str, reason: InvalidReason) -> None:
        """Each kind of garbage is a value with the reason of the first check it fails."""
        assert open_here(text) == Invalid(reason)

    def test_another_subject_cannot_use_the_token(self) -> None:
        """A token opens only for the subject it was sealed for."""
        text = CODEC.seal(THREE, SUBJECT, NOW_MINUTE)

        assert CODEC.open_token(text, "acme/session-2", NOW_MINUTE) == Invalid(
            InvalidReason.BAD_MAC
        )

    def test_bytes_cannot_move_between_subject_and_body(self) -> None:
        """The subject is measured in the MAC, so its end cannot pass for the start of a body."""
        seen_apart = token_codec._mac(OLD_KEY, "ab", b"c"), token_codec._mac(OLD_KEY, "a", b"bc")

        assert seen_apart[0] != seen_apart[1]

    def test_nothing_is_parsed_before_the_mac_is_checked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A forged token never reaches the parser; the same token with a good MAC does."""
        parsed: list[bytes] = []
        monkeypatch.setattr(token_codec, "parse_body", parsed.append)
        text = CODEC.seal(THREE, SUBJECT, NOW_MINUTE)

        CODEC.open_token(text, "somebody else", NOW_MINUTE)
        parsed_of_forged = list(parsed)
        CODEC.open_token(text, SUBJECT, NOW_MINUTE)

        assert parsed_of_forged == []
        assert len(parsed) == 1

    def test_a_body_we_cannot_read_is_malformed_although_it_is_ours(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A section of a later version is refused, because ignoring a demand would break it."""
        body = bytes.fromhex("72dd41") + b"\x02" + b"\x00" + b"\x00"
        monkeypatch.setattr(token_codec, "render_body", lambda _: body)

        text = CODEC.seal(EMPTY_TOKEN, SUBJECT, NOW_MINUTE)

        assert open_here(text) == Invalid(InvalidReason.MALFORMED)


class TestAge:
    def test_a_token_opens_until_the_end_of_its_lifetime(self) -> None:
        """In its last minute a token opens; a minute later it is expired, its minute told."""
        text = CODEC.seal(THREE, SUBJECT, NOW_MINUTE)
        last_minute = NOW_MINUTE + LIFETIME_MINUTES

        assert isinstance(CODEC.open_token(text, SUBJECT, last_minute), Opened)
        assert CODEC.open_token(text, SUBJECT, last_minute + 1) == Expired(NOW_MINUTE)

    def test_a_token_issued_by_a_clock_that_runs_ahead_opens(self) -> None:
        """A good MAC shows that the early minute is our own clock's doing, not the client's."""
        text = CODEC.seal(THREE, SUBJECT, NOW_MINUTE + 60)

        assert isinstance(open_here(text), Opened)

    @pytest.mark.parametrize("lifetime_minutes", [0, -1, 43_201])
    def test_a_lifetime_out_of_range_is_refused(self, lifetime_minutes: int) -> None:
        """A token lives for a minute at least and for thirty days at most."""
        with pytest.raises(ValueError, match="lifetime"):
            TokenCodec(TokenKeys(OLD_KEY), lifetime_minutes=lifetime_minutes)


class TestSealing:
    @pytest.mark.parametrize(
        ("token", "now_minute"),
        [
            (
                ConsistencyToken({AggregateKey(ORDER, f"o-{n}"): Version(0, 1) for n in range(33)}),
                0,
            ),
            (ConsistencyToken({AggregateKey(ORDER, "a b"): Version(0, 1)}), 0),
            (ConsistencyToken({AggregateKey(ORDER, "o-1\n"): Version(0, 1)}), 0),
            (ConsistencyToken({AggregateKey(ORDER, "é"): Version(0, 1)}), 0),
            (ConsistencyToken({AggregateKey(ORDER, ""): Version(0, 1)}), 0),
            (ConsistencyToken({AggregateKey(ORDER, "o" * 65): Version(0, 1)}), 0),
            (ConsistencyToken({AggregateKey(ORDER, "o-1"): Version(0, 0)}), 0),
            (ConsistencyToken({AggregateKey(ORDER, "o-1"): Version(-1, 1)}), 0),
            (ConsistencyToken({AggregateKey(ORDER, "o-1"): Version(2**53, 1)}), 0),
            (ConsistencyToken({AggregateKey(ORDER, "o-1"): Version(0, 2**53)}), 0),
            (ConsistencyToken(marks={ORDER: 2**35}), 0),
            (ConsistencyToken(floor={FloorKey(ORDER, 2**16, 7): Seen(1, 0)}), 0),
            (ConsistencyToken(floor={FloorKey(ORDER, 0, 2**32): Seen(1, 0)}), 0),
            (ConsistencyToken(doubts={AggregateKey(ORDER, "o-1"): 5}), 0),
            (EMPTY_TOKEN, -1),
            (EMPTY_TOKEN, 2**35),
        ],
    )
    def test_what_no_token_may_say_is_not_sealed(
        self, token: ConsistencyToken, now_minute: int
    ) -> None:
        """Over-full tokens, bad ids and numbers out of range are mistakes of ours: ValueError."""
        with pytest.raises(ValueError, match=r".+"):
            CODEC.seal(token, SUBJECT, now_minute)


class TestKeys:
    def test_while_keys_rotate_the_old_one_still_opens(self) -> None:
        """After a new key signs, tokens of the old one open as long as it is accepted too."""
        text = CODEC.seal(THREE, SUBJECT, NOW_MINUTE)
        rotated = TokenCodec(TokenKeys(NEW_KEY, also_accepted=OLD_KEY))

        assert rotated.open_token(text, SUBJECT, NOW_MINUTE) == Opened(THREE, NOW_MINUTE, 1)
        assert open_here(rotated.seal(THREE, SUBJECT, NOW_MINUTE)) == UnknownKey(2)

    def test_a_retired_key_is_unknown_and_not_invalid(self) -> None:
        """A token of a retired key is the passing of time, not a mistake of the client."""
        text = CODEC.seal(THREE, SUBJECT, NOW_MINUTE)
        later = TokenCodec(TokenKeys(NEW_KEY))

        assert later.open_token(text, SUBJECT, NOW_MINUTE) == UnknownKey(OLD_KEY.id)

    def test_keys_are_read_from_a_setting_and_the_first_one_signs(self) -> None:
        """The setting takes base64 and base64url, padded or not, with blanks around the comma."""
        first, second = b"\xfb\xff" * 10, b"s" * 16
        standard, url_safe = base64.b64encode(first).decode(), rendered(second)

        keys = TokenKeys.parse(f"7:{standard}, 63:{url_safe}")

        assert keys == TokenKeys(TokenKey(7, first), also_accepted=TokenKey(63, second))
        assert TokenKeys.parse(f"7:{rendered(first)}").signing == TokenKey(7, first)

    @pytest.mark.parametrize(
        "setting",
        [
            "",
            "1",
            "1:",
            "1:c2hvcnQ=",
            f"64:{'c2Vj' * 8}",
            f"-1:{'c2Vj' * 8}",
            f"²:{'c2Vj' * 8}",
            f"1:{'c2Vj' * 12}",
            f"1:{'c2Vj' * 8}!",
            f"1:{'c2Vj' * 8},",
            f"1:{'c2Vj' * 8},1:{'c2Vk' * 8}",
            f"1:{'c2Vj' * 8},2:{'c2Vj' * 8},3:{'c2Vj' * 8}",
        ],
    )
    def test_a_bad_setting_is_refused_without_quoting_a_secret(self, setting: str) -> None:
        """The message says what is wrong with a key, and never what the key is."""
        with pytest.raises(ValueError, match="key") as refusal:
            TokenKeys.parse(setting)

        assert "c2V" not in str(refusal.value)
        assert "c2hv" not in str(refusal.value)

    def test_a_key_never_prints_its_secret(self) -> None:
        """Neither repr nor str of keys shows a secret."""
        keys = TokenKeys(TokenKey(1, b"very secret, really"))

        assert "secret" not in repr(keys)
        assert "secret" not in str(keys)

    def test_ephemeral_keys_are_of_no_use_to_another_process(self) -> None:
        """Each ephemeral key is its own: what one codec seals another does not open."""
        text = TokenCodec(TokenKeys.ephemeral()).seal(THREE, SUBJECT, NOW_MINUTE)

        verdict = TokenCodec(TokenKeys.ephemeral()).open_token(text, SUBJECT, NOW_MINUTE)

        assert isinstance(verdict, UnknownKey | Invalid)
