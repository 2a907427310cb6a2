"""Answers packed with gzip, for clients that ask for it.

The rule: who does not ask pays nothing, and no answer keeps the loop for longer than it takes to
pack ``limit_bytes``. A packed answer has the validator of the plain one, which is a weak one.
"""

import zlib
from dataclasses import dataclass
from typing import Final

from gateway.web.options import CompressionOptions

GZIP: Final = (b"content-encoding", b"gzip")
_WBITS: Final = 31
_MEM_LEVEL: Final = 5
"""zlib's words for gzip with its largest window, and for a small table: to clear the usual one
takes 50 µs, six times as long as to pack a kilobyte."""


@dataclass(frozen=True, slots=True)
class Compression:
    """Packs answers as its options say."""

    options: CompressionOptions

    def packs(self, size_bytes: int) -> bool:
        """Is an answer of this size packed, where its client takes it?"""
        options = self.options
        return options.is_on and options.threshold_bytes <= size_bytes <= options.limit_bytes

    def pack(self, body: bytes) -> bytes:
        """The same bytes for the same body. 5 µs, and 2 µs a kilobyte."""
        packer = zlib.compressobj(self.options.level, zlib.DEFLATED, _WBITS, _MEM_LEVEL)
        return packer.compress(body) + packer.flush()


UNPACKED: Final = Compression(CompressionOptions(is_on=False))
