"""What all sections share: names of variables, numbers with units, and frozen values."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

PREFIX = "BFF_"

Seconds = Annotated[float, Field(json_schema_extra={"unit": "s"})]
SomeSeconds = Annotated[float | None, Field(json_schema_extra={"unit": "s"})]
Milliseconds = Annotated[int, Field(json_schema_extra={"unit": "ms"})]
SomeMilliseconds = Annotated[int | None, Field(json_schema_extra={"unit": "ms"})]


class Section(BaseModel):
    """Some settings, frozen. A field ``port`` is the variable ``BFF_PORT``."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def variable_name(field: str) -> str:
    """``port`` → ``BFF_PORT``."""
    return PREFIX + field.upper()


def field_name(variable: str) -> str:
    """``BFF_PORT`` → ``port``."""
    return variable.removeprefix(PREFIX).lower()


def unit_of(field: FieldInfo) -> str:
    """The unit of a setting, empty where it has none."""
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""
