"""Consistency tokens: who signs them, how long they live, how they travel, to whom they belong."""

from pathlib import Path

from pydantic import Field, SecretStr

from gateway.sections.field_kinds import PREFIX, Section
from gateway.settings_refusals import SettingsError
from projections.token_codec import LIFETIME_MINUTES, MAX_LIFETIME_MINUTES, TokenKeys


class TokenSettings(Section):
    """How tokens are sealed and carried."""

    token_keys: SecretStr | None = Field(
        None,
        description="Keys that sign consistency tokens, `id:base64` and, while keys are rotated, "
        "a second after a comma; the first signs. `bff token key` makes one. The same in all "
        "gateways. `bff dev` keeps one of its own.",
    )
    token_keys_file: Path | None = Field(
        None, description="A file that holds these keys instead, as secrets are mounted."
    )
    token_lifetime_min: int = Field(
        LIFETIME_MINUTES,
        ge=1,
        le=MAX_LIFETIME_MINUTES,
        description="Minutes after which a token demands nothing any more.",
        json_schema_extra={"unit": "min"},
    )
    token_cookie: bool = Field(
        False,
        description="Also hand the joined token out as a cookie (HttpOnly, SameSite=Lax), so that "
        "a browser reads its own writes without code. A cookie that comes is always honoured.",
    )
    subject_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="Header in which a trusted proxy names the caller's session; tokens are bound "
        "to it. Without it all callers are one subject.",
    )

    def read_token_keys(self) -> TokenKeys:
        """The signing keys; raises `SettingsError`, not quoting them, if they cannot be used."""
        name, text = self._given_token_keys()
        try:
            return TokenKeys.parse(text)
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from None

    @property
    def has_token_keys(self) -> bool:
        """Whether any are given; whether they can be used, reading them tells."""
        return not (self.token_keys is None and self.token_keys_file is None)

    def _given_token_keys(self) -> tuple[str, str]:
        """The variable that gives the keys, and their text."""
        name = f"{PREFIX}TOKEN_KEYS"
        match self.token_keys, self.token_keys_file:
            case SecretStr() as keys, None:
                return name, keys.get_secret_value()
            case None, Path() as file:
                try:
                    return f"{name}_FILE", file.read_text(errors="replace").strip()
                except OSError as error:
                    raise SettingsError(f"{name}_FILE: {error.strerror}: {file}") from None
            case None, None:
                raise SettingsError(
                    f"{name}: there is no key to sign consistency tokens with; "
                    "`bff token key` makes one, the same for all gateways"
                )
            case _:
                raise SettingsError(f"{name} and {name}_FILE: one of them is enough")
