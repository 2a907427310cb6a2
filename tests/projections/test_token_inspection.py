"""What an inspection tells of a token, and that it never shows as proven what is not."""

import base64
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from projections.token import ConsistencyToken, FloorKey, Seen
from projections.token_codec import InvalidReason, TokenCodec, TokenKey, TokenKeys
from projections.token_inspection import NO_KEYS, NO_SUBJECT, UNKNOWN_KEY, VERIFIED, inspect_token
from projections.versions import AggregateKey, AggregateType, Version

NOW_MINUTE = 29_000_000
SUBJECT = "acme/session-1"
CODEC = TokenCodec(TokenKeys(TokenKey(1, b"o" * 32)))
OTHER_CODEC = TokenCodec(TokenKeys(TokenKey(2, b"n" * 32)))
TOKEN = ConsistencyToken(
    {
        AggregateKey(AggregateType.ORDER, "o-1"): Version(0, 3),
        AggregateKey(AggregateType.CUSTOMER, "c-123"): Version(0, 41),
        AggregateKey(AggregateType.PRODUCT, "p-12"): Version(1, 700),
    },
    {AggregateType.PRODUCT: NOW_MINUTE * 60 - 120},
    {FloorKey(AggregateType.ORDER, 3, 0xC0FFEE): Seen(17, NOW_MINUTE)},
    {AggregateKey(AggregateType.ORDER, "o-1"): NOW_MINUTE * 60 - 60},
    frozenset([AggregateKey(AggregateType.ORDER, "o-2")]),
)


class TestInspection:
    text = CODEC.seal(TOKEN, SUBJECT, NOW_MINUTE)

    def test_without_keys_the_token_is_read_but_not_believed(self) -> None:
        """Anyone can read a token; without its key the inspection says that it is not checked."""
        inspection = inspect_token(self.text)

        assert json.loads(json.dumps(asdict(inspection))) == {
            "verified": False,
            "finding": NO_KEYS,
            "key_id": 1,
            "issued": "2025-02-19T21:20:00+00:00",
            "expires": None,
            "entries": {
                "order:o-1": "0.3",
                "customer:c-123": "0.41",
                "product:p-12": "1.700",
            },
            "marks": {"product": "2025-02-19T21:18:00+00:00"},
            "floor": {"orders/3@00c0ffee": 17},
            "doubts": {"order:o-1": "2025-02-19T21:19:00+00:00"},
            "uncertain": ["order:o-2"],
        }

    def test_with_keys_and_subject_it_is_verified_and_its_end_is_told(self) -> None:
        """With key and subject the inspection believes the token and says when it expires."""
        inspection = inspect_token(self.text, CODEC, SUBJECT)

        assert (inspection.verified, inspection.finding) == (True, VERIFIED)
        assert inspection.expires == "2025-02-20T21:20:00+00:00"

    @pytest.mark.parametrize(
        ("codec", "subject", "finding"),
        [
            (CODEC, None, NO_SUBJECT),
            (CODEC, "somebody else", InvalidReason.BAD_MAC.value),
            (OTHER_CODEC, SUBJECT, UNKNOWN_KEY),
        ],
    )
    def test_what_cannot_be_verified_says_why(
        self, codec: TokenCodec, subject: str | None, finding: str
    ) -> None:
        """A token that is not believed is still shown, with the reason it is not."""
        inspection = inspect_token(self.text, codec, subject)

        assert (inspection.verified, inspection.finding) == (False, finding)
        assert len(inspection.entries) == 3

    def test_what_is_not_a_token_is_called_so(self) -> None:
        """Garbage is told from a token whose structure is damaged."""
        damaged = base64.urlsafe_b64encode(bytes.fromhex("72dd41") + b"\xff" * 21).decode()

        assert inspect_token("hello").finding == InvalidReason.NOT_BASE64.value
        assert inspect_token(damaged).key_id == 1
        assert "cannot be read" in inspect_token(damaged).finding


def test_the_page_about_tokens_shows_a_token_that_opens() -> None:
    """The example in the documentation is a real token and says what the page says it does."""
    page = Path(__file__).parents[2] / "docs" / "tokens.md"
    text = next(line for line in page.read_text("utf-8").splitlines() if line.startswith("ct1"))

    inspection = inspect_token(text)

    assert inspection.entries == {"order:o-1042": "0.2", "customer:c-17": "0.1"}
