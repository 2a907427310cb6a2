"""What this process has open, by kind, and its connections by whose they are."""

import os
import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_ISSOCK
from typing import Final

OPEN: Final = Path("/dev/fd")


def open_descriptors(service_by_port: Mapping[int, str]) -> Counter[str]:
    """How many descriptors of each kind are open; a connection is told by who is at its end."""
    counted: Counter[str] = Counter()
    for path in OPEN.iterdir():
        with suppress(OSError):  # the one that this listing was read by
            counted[_kind_of(int(path.name), service_by_port)] += 1
    return counted


def _kind_of(descriptor: int, service_by_port: Mapping[int, str]) -> str:
    if not S_ISSOCK(os.fstat(descriptor).st_mode):
        return "file"
    with socket.socket(fileno=os.dup(descriptor)) as opened:
        if opened.family not in (socket.AF_INET, socket.AF_INET6):
            return "socket"
        try:
            port = opened.getpeername()[1]
        except OSError:
            return "socket without a peer"
    return f"connection to {service_by_port.get(port, 'a client')}"
