"""What a process uses: its resident memory and its processor time, as the kernel counts them."""

import os
import subprocess
from pathlib import Path
from typing import Final

TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
PAGE_KB: Final = os.sysconf("SC_PAGE_SIZE") / 1024


def resident_kb(pid: int) -> float:
    """Resident memory (KB). Raises OSError when the process has ended."""
    statm = Path(f"/proc/{pid}/statm")
    if statm.parent.parent.joinpath("self").exists():
        return int(statm.read_text().split()[1]) * PAGE_KB
    return float(_ask_ps(pid, "rss="))


def cpu_s(pid: int) -> float:
    """Processor time used so far (s), in user and kernel, to 10 ms on Linux.

    Raises OSError when the process has ended.
    """
    if not Path("/proc/self/stat").exists():
        return _seconds_of(_ask_ps(pid, "time="))
    # The name in the second field may hold spaces; the fields behind it do not.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def machine_busy_s() -> float:
    """Processor time (s) that all processes of this machine have used so far, on all cores.

    0 where the kernel does not tell it.
    """
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _idle, _waiting, *more = map(int, stat.read_text().split()[1:9])
    return (user + nice + system + sum(more)) / TICKS_A_SECOND


def _ask_ps(pid: int, column: str) -> str:
    command = ("ps", "-o", column, "-p", str(pid))
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not told:
        raise ProcessLookupError(pid)
    return told


def _seconds_of(told: str) -> float:
    """``ps`` tells ``[hours:]minutes:seconds``."""
    total_s = 0.0
    for part in told.split(":"):
        total_s = total_s * 60 + float(part)
    return total_s
