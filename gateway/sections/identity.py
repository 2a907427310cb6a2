"""Who asks: the tokens that are believed, and what becomes of who shows none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, HttpUrl, SecretStr

from gateway.identity.claims import ClaimNames
from gateway.identity.key_ring import KeyRingOptions
from gateway.identity.keys import PUBLIC_ALGORITHMS, SHARED_ALGORITHM
from gateway.sections.field_kinds import PREFIX, Seconds, Section
from gateway.settings_refusals import SettingsError

SHORTEST_SECRET: int = 32

USELESS_ALONE = ("jwt_issuer", "jwt_audience", "jwt_algorithms")
"""Settings of somebody who believes that tokens are verified."""


class IdentitySettings(Section):
    """How a request is told whose it is."""

    anonymous: Literal["refused", "visitor", "everything"] = Field(
        "refused",
        description="Who shows no bearer token is refused (401), or a visitor, who sees products "
        "only; with `everything` nobody is told apart and whoever reaches the port may read and "
        "write all, as inside a network of one's own. `everything` in `bff dev`.",
    )
    jwt_keys_url: HttpUrl | None = Field(
        None,
        description="Where the issuer of bearer tokens publishes its keys (JWKS). They are fetched "
        "at the start and refreshed; while it cannot be reached, those of before hold.",
    )
    jwt_secret: SecretStr | None = Field(
        None,
        description="Instead of published keys, the one that is shared with the issuer (HS256), of "
        "32 characters at least.",
    )
    jwt_secret_file: Path | None = Field(
        None, description="A file that holds that key instead, as secrets are mounted."
    )
    jwt_issuer: str | None = Field(
        None, min_length=1, max_length=500, description="The `iss` that every token must have."
    )
    jwt_audience: str | None = Field(
        None, min_length=1, max_length=500, description="The `aud` that every token must be for."
    )
    jwt_algorithms: str | None = Field(
        None,
        pattern=r"^(RS256|ES256|EdDSA|HS256)(,(RS256|ES256|EdDSA|HS256))*$",
        description="The only algorithms that are believed, with commas between. Of published keys "
        "`RS256,ES256,EdDSA` without it; of a shared one `HS256`, and no other.",
    )
    jwt_leeway_s: Seconds = Field(
        10.0,
        ge=0,
        le=120,
        description="How far the issuer's clock may be from ours, for `exp`, `nbf` and `iat`.",
    )
    jwt_role_claim: str = Field(
        "role",
        min_length=1,
        max_length=200,
        description="The claim that says `staff`, `customer` or `visitor`, alone or in a list; a "
        "word that is none of them is a visitor's.",
    )
    jwt_customer_claim: str = Field(
        "customer_id",
        min_length=1,
        max_length=200,
        description="The claim with the id of the customer who asks; then no role need be said.",
    )
    jwt_keys_refresh_s: Seconds = Field(
        KeyRingOptions().refresh_s,
        ge=1,
        le=86_400,
        description="How often published keys are fetched anew: so long a key is believed that was "
        "taken back.",
    )
    jwt_keys_interval_s: Seconds = Field(
        KeyRingOptions().interval_s,
        ge=0.1,
        le=300,
        description="The least time between two fetches: a token with an unknown key makes one, a "
        "flood of them no more.",
    )

    @property
    def has_identity(self) -> bool:
        """Can any token be verified?"""
        return self.jwt_keys_url is not None or self._has_secret

    @property
    def refuses_all(self) -> bool:
        """Is there nobody who could be let in?"""
        return self.anonymous == "refused" and not self.has_identity

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Those that are pinned."""
        if self.jwt_algorithms is not None:
            return tuple(self.jwt_algorithms.split(","))
        return (SHARED_ALGORITHM,) if self._has_secret else PUBLIC_ALGORITHMS

    @property
    def claim_names(self) -> ClaimNames:
        """Where a token says what its bearer is."""
        return ClaimNames(self.jwt_role_claim, self.jwt_customer_claim)

    def key_ring_options(self) -> KeyRingOptions:
        """When keys are fetched."""
        return KeyRingOptions(
            refresh_s=self.jwt_keys_refresh_s, interval_s=self.jwt_keys_interval_s
        )

    def read_jwt_secret(self) -> bytes | None:
        """The shared key, if there is one; raises `SettingsError`, not quoting it, if it is bad."""
        name, text = f"{PREFIX}JWT_SECRET", None
        if self.jwt_secret is not None:
            text = self.jwt_secret.get_secret_value()
        elif self.jwt_secret_file is not None:
            name = f"{name}_FILE"
            try:
                text = self.jwt_secret_file.read_text(errors="replace").strip()
            except OSError as error:
                raise SettingsError(f"{name}: {error.strerror}: {self.jwt_secret_file}") from None
        if text is not None and len(text) < SHORTEST_SECRET:
            raise SettingsError(f"{name}: a key of {SHORTEST_SECRET} characters at least is needed")
        return None if text is None else text.encode()

    @property
    def _has_secret(self) -> bool:
        return not (self.jwt_secret is None and self.jwt_secret_file is None)

    def identity_contradictions(self, subject_header: str | None) -> Iterator[str]:
        """What cannot be true together of who asks, each with what to set instead."""
        of = f"{PREFIX}JWT_"
        if self.jwt_secret is not None and self.jwt_secret_file is not None:
            yield f"{of}SECRET and {of}SECRET_FILE: one of them is enough"
        if self.jwt_keys_url is not None and self._has_secret:
            yield f"{of}KEYS_URL and {of}SECRET: tokens are verified by one or the other"
        if not self.has_identity:
            if told := [name for name in USELESS_ALONE if getattr(self, name) is not None]:
                yield (
                    f"{PREFIX}{told[0].upper()} without a key: no token can be verified; set "
                    f"{of}KEYS_URL, or {of}SECRET"
                )
            return
        if self.jwt_issuer is None or self.jwt_audience is None:
            yield f"{of}ISSUER and {of}AUDIENCE: both are needed to know that a token is for us"
        if self._has_secret is not (self.algorithms == (SHARED_ALGORITHM,)):
            yield (
                f"{of}ALGORITHMS: a shared key is for {SHARED_ALGORITHM} alone, and published keys "
                f"are for {', '.join(PUBLIC_ALGORITHMS)}"
            )
        if self.anonymous == "everything":
            yield (
                f"{PREFIX}ANONYMOUS=everything would let in without a token whom a token only lets "
                "see her own: set visitor or refused"
            )
        if subject_header is not None:
            yield f"{PREFIX}SUBJECT_HEADER: a token says whose it is; {of}… need no such header"
