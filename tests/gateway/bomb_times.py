"""What bombs cost in ms of the processor: `python -m tests.gateway.bomb_times`."""

import gc
import time

from tests.gateway.document_bombs import BOMBS, HUGE, fitting
from tests.gateway.test_document_bombs import LIMITS, refusal_of


def milliseconds(text: str) -> float:
    """The best of three."""
    took = []
    for _ in range(3):
        gc.collect()
        began_at_s = time.process_time()
        refusal_of(text)
        took.append(time.process_time() - began_at_s)
    return 1000 * min(took)


def main() -> None:
    """Print all of them."""
    rows = [(milliseconds(text), name, "huge") for name, text in HUGE.items()]
    for name in BOMBS:
        found = fitting(name, LIMITS)
        rows += [(milliseconds(found.whole), name, "whole")]
        rows += [(milliseconds(found.spared), name, "within the limits")]
    for took_ms, name, kind in sorted(rows, reverse=True):
        print(f"{took_ms:8.1f} ms  {name}, {kind}")


if __name__ == "__main__":
    main()
