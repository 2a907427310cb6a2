"""Processes that a measurement starts, and ends, whatever happens to it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.process_usage import cpu_s, machine_busy_s
from tests.e2e.distributed.roles import NO_SETTINGS, Role, start_role
from tests.e2e.starting import REPOSITORY
from tests.servers.kafka import unique

END_LIMIT_S: Final = 20.0
OTHERS: Final = "others"

Json = dict[str, Any]


class MeasurementFailed(Exception):
    """Something needed for a measurement did not come to be; the text says what."""


@contextmanager
def role_running(
    name: str,
    words: Sequence[str],
    folder: Path,
    settings: Mapping[str, str] = NO_SETTINGS,
    address: str = "",
) -> Iterator[Role]:
    """`python -m …` inside the block; ended in order at its end, or killed when that fails."""
    role = start_role(name, words, folder, settings=settings, address=address)
    try:
        yield role
        end_in_order(role)
    finally:
        role.kill()


def end_in_order(role: Role) -> None:
    """Ask it to end and wait. Raises `MeasurementFailed` when it does not."""
    if role.is_running:
        try:
            role.end()
        except subprocess.TimeoutExpired as late:
            reason = f"{role.name} has not ended {late.timeout:g} s after it was asked to"
            raise MeasurementFailed(reason) from None


@contextmanager
def services_running(folder: Path, kafka_address: str | None) -> Iterator[Mapping[str, str]]:
    """The three services over new demo data, with their relays where Kafka is; their addresses.

    They end with the pipe that is their input, so they end when we are killed, too.
    """
    words = ("upstream_stubs", "all", f"--data={folder / 'services'}", "--exit-on-stdin-close")
    ports = (f"--{name}-port=0" for name in ("orders", "customers", "products"))
    to_kafka = () if kafka_address is None else (f"--kafka={kafka_address}",)
    with (folder / "services.log").open("ab") as said:
        process = subprocess.Popen(
            (sys.executable, "-m", *words, *ports, *to_kafka),
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield _addresses(process, folder / "services.log")
    finally:
        _let_go(process)


@dataclass(slots=True)
class Account:
    """A process at work, and what it told at its end."""

    process: subprocess.Popen[bytes]
    told: Json = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None


@contextmanager
def accounted(words: Sequence[str], folder: Path, *, within_s: float) -> Iterator[Account]:
    """`python -m … --out=FILE` beside the block; leaving the block waits for its end.

    What it wrote to the file, one JSON object, is then in the account. Raises `MeasurementFailed`.
    """
    stem = folder / unique(words[0].rpartition(".")[2])
    out, log = stem.with_suffix(".json"), stem.with_suffix(".log")
    with log.open("wb") as said:
        process = subprocess.Popen(
            (sys.executable, "-m", *words, f"--out={out}"),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    account = Account(process)
    try:
        yield account
        code = process.wait(within_s)
    except subprocess.TimeoutExpired:
        raise MeasurementFailed(f"{words[0]} took longer than {within_s:g} s") from None
    finally:
        process.kill()
        process.wait()
    if code:
        raise MeasurementFailed(f"{words[0]} failed:\n{log.read_text(errors='replace')[-2000:]}")
    account.told = json.loads(out.read_text())


class CpuMeter:
    """Processor time (s) used since this was made: by some processes, and by all others."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._before, self._busy_before_s = self._read(), machine_busy_s()

    def used_s(self) -> dict[str, float]:
        """By process. The last is ``others``: whoever else was at work on this machine."""
        busy_s = machine_busy_s() - self._busy_before_s
        used_s = {name: total - self._before[name] for name, total in self._read().items()}
        return {**used_s, OTHERS: max(0.0, busy_s - sum(used_s.values()))}

    def _read(self) -> dict[str, float]:
        return {name: cpu_s(pid) for name, pid in self._pids.items()}


def _addresses(process: subprocess.Popen[bytes], said: Path) -> Mapping[str, str]:
    line = process.stdout.readline() if process.stdout is not None else b""
    if not line:
        raise MeasurementFailed(f"the services did not start:\n{said.read_text()[-2000:]}")
    addresses: dict[str, str] = json.loads(line)
    return addresses


def _let_go(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(END_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
