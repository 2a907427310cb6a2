"""compose.yaml as a value: every key that it uses has its type here, and an unknown one is refused.

What YAML's anchors and merges stand for is written out; variables are still as in the file.
"""

import shlex
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

ROOT: Final = Path(__file__).resolve().parents[2]

Condition = Literal["service_healthy", "service_completed_successfully"]


class Waiting(Struct, frozen=True, forbid_unknown_fields=True):
    """What another service must have reached before this one starts."""

    condition: Condition


class Healthcheck(Struct, frozen=True, forbid_unknown_fields=True):
    """How Docker asks a container whether it is well."""

    test: list[str]
    interval: str
    timeout: str
    retries: int
    start_period: str
    start_interval: str


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """The most that one container may take."""

    cpus: str
    memory: str
    pids: int


class Resources(Struct, frozen=True, forbid_unknown_fields=True):
    limits: Limits


class Deploy(Struct, frozen=True, forbid_unknown_fields=True):
    resources: Resources
    replicas: int = 1


class Service(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One service of the file."""

    image: str
    restart: Literal["on-failure", "no"]
    read_only: bool
    cap_drop: list[str]
    security_opt: list[str]
    logging: dict[str, str]
    deploy: Deploy
    build: str | None = None
    pull_policy: Literal["never", "build"] | None = None
    user: str | None = None
    init: bool = False
    stop_grace_period: str = "10s"
    command: str = ""
    environment: dict[str, str] = {}
    network_mode: str = "default"
    tmpfs: list[str] = []
    volumes: list[str] = []
    ports: list[str] = []
    depends_on: dict[str, Waiting] = {}
    healthcheck: Healthcheck | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it runs out of the image that is built here."""
        return self.image == OUR_IMAGE

    @property
    def ends_by_itself(self) -> bool:
        """Whether it does one thing once."""
        return self.restart == "no"

    @property
    def words(self) -> list[str]:
        """Its command line, as a shell would part it."""
        return shlex.split(self.command)


class ComposeFile(Struct, frozen=True):
    """What the file describes; its templates (`x-…`) are in the services already."""

    name: str
    services: dict[str, Service]
    volumes: dict[str, None]


OUR_IMAGE: Final = "bff-gateway:local"
TEXT: Final = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: Final = msgspec.yaml.decode(TEXT, type=ComposeFile)
SERVICES: Final = COMPOSE.services


def seconds(duration: str) -> float:
    """``250ms`` → 0.25; ``3s`` and ``1m`` likewise."""
    for unit, length_s in (("ms", 0.001), ("s", 1.0), ("m", 60.0)):
        if duration.endswith(unit) and duration.removesuffix(unit).isdigit():
            return int(duration.removesuffix(unit)) * length_s
    raise ValueError(f"not a duration: {duration}")


def mebibytes(size: str) -> int:
    """``256M`` → 256; ``1G`` and ``256mb`` likewise."""
    number, unit = size[: len(size.rstrip("MGmgb"))], size.rstrip("b")[-1].upper()
    return int(number) * {"M": 1, "G": 1024}[unit]
