"""Gateways on Node beside ours: the same composition, over the same services, in the same run.

Each is built as its documentation builds it. The Node they run on is the machine's own.
"""
