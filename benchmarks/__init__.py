"""The figures of the event side, measured on this machine with real processes, by one command.

`make bench-events` (or `python -m benchmarks --help`). Each module that measures says in its first
lines what its figures mean. The rule: every figure has a control from the same run, because a
machine that is shared is never twice the same; and whatever a measurement starts, it ends.
"""
