"""What a client of the gateway gets to see, in the words that tests are written in."""

from dataclasses import dataclass
from typing import Any

import httpx

Json = Any
"""What came over HTTP: a test may look wherever it likes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets to see, and how long (s) she waited for it."""

    response: httpx.Response
    elapsed_s: float

    @property
    def body(self) -> Json:
        return self.response.json()

    @property
    def data(self) -> Json:
        """The data of an answer that is complete."""
        assert self.errors == []
        return self.body["data"]

    @property
    def partial_data(self) -> Json:
        """The data beside errors; None where nothing was run."""
        return self.body.get("data")

    @property
    def errors(self) -> list[Json]:
        errors: list[Json] = self.body.get("errors", [])
        return errors

    @property
    def error(self) -> Json:
        """The only error."""
        [error] = self.errors
        return error

    @property
    def codes(self) -> dict[str, str]:
        """The code of each error by its path."""
        return {
            ".".join(map(str, error.get("path", ()))): error["extensions"]["code"]
            for error in self.errors
        }

    @property
    def consistency(self) -> Json:
        return self.body["extensions"]["consistency"]

    @property
    def token(self) -> str:
        token: str = self.consistency["token"]
        return token

    def component(self, path: str) -> Json:
        """The only component told at a path."""
        [component] = [c for c in self.consistency["components"] if c["path"] == path]
        return component

    def origin(self, path: str) -> tuple[str, str]:
        """Where the component at a path came from, and why."""
        component = self.component(path)
        return component["source"], component["reason"]
