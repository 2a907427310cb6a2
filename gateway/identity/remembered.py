"""What was made of headers, by their very bytes: the ones used last, within bounds."""

from collections import OrderedDict
from typing import Final, Generic, TypeVar

T = TypeVar("T")

ENTRY_BYTES: Final = 600
"""What an entry takes besides its header, reckoned from above."""


class Remembered(Generic[T]):
    """Up to ``limit_bytes``, reckoned from above."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._entries: OrderedDict[bytes, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, header: bytes) -> T | None:
        entry = self._entries.get(header)
        if entry is not None:
            self._entries.move_to_end(header)
        return entry

    def keep(self, header: bytes, entry: T) -> None:
        self.forget(header)
        self._entries[header] = entry
        self._size_bytes += len(header) + ENTRY_BYTES
        while self._size_bytes > self._limit_bytes:
            self.forget(next(iter(self._entries)))

    def forget(self, header: bytes) -> None:
        """Forget it, if it is there."""
        if self._entries.pop(header, None) is not None:
            self._size_bytes -= len(header) + ENTRY_BYTES

    def clear(self) -> None:
        self._entries.clear()
        self._size_bytes = 0
