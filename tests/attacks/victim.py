"""The gateway under attack, met over bare sockets; and somebody who just wants to be served."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from tests.attacks.corpus.attack import CLOSED, HOST, OK, Attack

PATIENCE_S: Final = 15.0
QUIET_S: Final = 0.02
PUBLIC: Final = {"BFF_INTROSPECTION": "false", "BFF_PLAYGROUND": "false", "BFF_PLAN": "false"}
"""Settings of a house that anybody may come to, as `bff serve` is by default."""

_inside = re.compile(
    rb"Traceback|File \"|\.py\b|127\.0\.0\.1|localhost|site-packages|httpx|asyncio"
)
_length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back, until the answer was whole or the connection closed."""

    text: bytes
    took_s: float

    @property
    def status(self) -> int | None:
        """The status of the answer; None where there is none."""
        words = self.text.split(b" ", 2)
        return int(words[1]) if self.text.startswith(b"HTTP/1.1 ") else None

    @property
    def body(self) -> Any:
        """The answer's JSON; None where it has none."""
        try:
            return json.loads(self.text.partition(b"\r\n\r\n")[2])
        except ValueError:
            return None

    @property
    def codes(self) -> set[str]:
        """The codes of its errors, `OK` without any, `CLOSED` where nothing of ours was said."""
        body = self.body
        if isinstance(body, dict) and "errors" in body:
            return {str(e.get("extensions", {}).get("code")) for e in body["errors"]}
        return {OK} if self.status is not None and self.status < 400 else {CLOSED}


def send(address: tuple[str, int], sent: bytes) -> Heard:
    """Send these bytes over a connection of their own, and hear what comes back."""
    began_s = time.monotonic()
    with socket.create_connection(address, timeout=PATIENCE_S) as wire:
        with suppress(OSError):  # closed on us: what was said before that is still to be read
            wire.sendall(sent)
        return Heard(_heard(wire), time.monotonic() - began_s)


def what_is_wrong(heard: Heard, attack: Attack) -> str | None:
    """Why this is no good answer to the attack; None if it is one."""
    if not heard.codes <= attack.codes:
        return f"answered {sorted(heard.codes)}, not {sorted(attack.codes)}"
    if heard.status is not None and heard.status >= 500:
        return f"status {heard.status}"
    return "the inside is told" if _inside.search(heard.text) else None


def _heard(wire: socket.socket) -> bytes:
    text = b""
    while not _is_whole(text):
        try:
            piece = wire.recv(65_536)
        except ConnectionError:
            break
        if not piece:
            break
        text += piece
    return text


def _is_whole(text: bytes) -> bool:
    head, ended, body = text.partition(b"\r\n\r\n")
    length = _length.search(head)
    return bool(ended and length) and len(body) >= int(length[1])  # type: ignore[index]


@dataclass
class Bystander:
    """Asks for something small again and again; ``waits_s`` is how long each answer took."""

    address: tuple[str, int]
    waits_s: list[float] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)

    @contextmanager
    def asking(self) -> Iterator["Bystander"]:
        """Beside the block."""
        ended = threading.Event()
        thread = threading.Thread(target=self._ask_until, args=(ended,))
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()

    def _ask_until(self, ended: threading.Event) -> None:
        body = b'{"query": "{ product(id: \\"p-1\\") { name } }"}'
        kind = "Content-Type: application/json\r\n"
        head = f"POST /graphql HTTP/1.1\r\n{HOST}{kind}Content-Length: {len(body)}\r\n\r\n".encode()
        while not ended.wait(QUIET_S):
            heard = send(self.address, head + body)
            self.waits_s.append(heard.took_s)
            if heard.codes != {OK}:
                self.failures.append(heard.text)
