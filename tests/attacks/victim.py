"""The gateway under attack, met over bare sockets; and somebody who just wants to be served."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gateway.identity.development import KEY_FILE, kept_secret
from tests.attacks.corpus.attack import CLOSED, OK, SMUGGLED, Attack, asked
from tests.attacks.corpus.forged import SECRET
from tests.attacks.corpus.frames import codes_in, is_answered, is_closed
from tests.e2e.house import House
from tests.e2e.starting import running_house

PATIENCE_S: Final = 15.0
QUIET_S: Final = 0.02
PUBLIC: Final = {
    "BFF_INTROSPECTION": "false",
    "BFF_PLAYGROUND": "false",
    "BFF_PLAN": "false",
    "BFF_COST_SHOWN": "false",
    "BFF_CORS_ORIGINS": "https://shop.example",
}
"""Settings of a house that anybody may come to, as `bff serve` is by default. Who shows a bearer
token is told by it."""

PLAIN: Final = asked("plain", '{ product(id: "p-1") { name } }', OK)

_inside = re.compile(
    rb"Traceback|File \"|\.py\b|127\.0\.0\.1|localhost|site-packages|httpx|asyncio"
)
_length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_chunked = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_event = re.compile(rb"^data: (\{.*\})$", re.MULTILINE)

SWITCHED: Final = 101
"""The status of an answer that becomes a socket."""


@contextmanager
def public_house(folder: Path) -> Iterator[House]:
    """A house that the internet may come to; it believes the tokens of `forged.bearer`."""
    keys = folder / "data"
    keys.mkdir(parents=True)
    (keys / KEY_FILE).write_text(SECRET)
    assert kept_secret(keys) == SECRET
    with running_house(folder, PUBLIC) as house:
        yield house


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
        """The first answer's JSON; None where it has none."""
        head, _, rest = self.text.partition(b"\r\n\r\n")
        length = _length.search(head)
        try:
            return json.loads(rest[: int(length[1])] if length else rest)
        except ValueError:
            return None

    @property
    def codes(self) -> set[str]:
        """The codes of its errors, `OK` without any, `CLOSED` where nothing of ours was said."""
        rest = self.text.partition(b"\r\n\r\n")[2]
        if self.status == SWITCHED:
            return codes_in(rest) or {CLOSED}
        bodies = [self.body] if self.body is not None else map(json.loads, _event.findall(rest))
        listed = [one for body in bodies for one in (body if isinstance(body, list) else [body])]
        errors = [error for body in listed for error in _errors_of(body)]
        if errors:
            return {str(error.get("extensions", {}).get("code")) for error in errors}
        return {OK} if self.status is not None and self.status < 400 else {CLOSED}


def send(address: tuple[str, int], attack: Attack) -> Heard:
    """Send it over a connection of its own, and hear what comes back."""
    began_s = time.monotonic()
    with socket.create_connection(address, timeout=PATIENCE_S) as wire:
        text = b""
        with suppress(OSError):  # closed on us: what was said before that is still to be read
            wire.sendall(attack.sent)
            if attack.then:
                text = _heard(wire, text, _has_head)
                wire.sendall(attack.then)
        text = _heard(wire, text, _is_over if attack.is_heard_out else _is_whole)
        return Heard(text, time.monotonic() - began_s)


def what_is_wrong(heard: Heard, attack: Attack) -> str | None:
    """Why this is no good answer to the attack; None if it is one."""
    if not heard.codes <= attack.codes:
        return f"answered {sorted(heard.codes)}, not {sorted(attack.codes)}"
    if heard.status is not None and heard.status >= 500 and heard.status != 503:
        return f"status {heard.status}"
    if SMUGGLED in heard.text:
        return "a hidden request was answered"
    return "the inside is told" if _inside.search(heard.text) else None


def _errors_of(body: object) -> list[Any]:
    return body.get("errors", []) if isinstance(body, dict) else []


def _heard(wire: socket.socket, text: bytes, is_enough: Any) -> bytes:
    while not is_enough(text):
        try:
            piece = wire.recv(65_536)
        except ConnectionError:
            break
        if not piece:
            break
        text += piece
    return text


def _is_over(text: bytes) -> bool:
    """Only a socket tells that nothing will follow."""
    head, _, rest = text.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 101 ") and is_closed(rest)


def _has_head(text: bytes) -> bool:
    return b"\r\n\r\n" in text


def _is_whole(text: bytes) -> bool:
    head, ended, body = text.partition(b"\r\n\r\n")
    if not ended:
        return False
    if head.startswith(b"HTTP/1.1 101 "):
        return is_answered(body)
    if head.startswith((b"HTTP/1.1 204 ", b"HTTP/1.1 304 ")):
        return True
    if _chunked.search(head):
        return body.endswith(b"0\r\n\r\n")
    length = _length.search(head)
    return length is not None and len(body) >= int(length[1])


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
        while not ended.wait(QUIET_S):
            heard = send(self.address, PLAIN)
            self.waits_s.append(heard.took_s)
            if heard.codes != {OK}:
                self.failures.append(heard.text)
