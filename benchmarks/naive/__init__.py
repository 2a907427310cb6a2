"""The usual stack, as its own documentation builds it: the control of every figure of speed.

Strawberry in FastAPI's router, httpx, DataLoader, pydantic nowhere and nothing of ours: no cache of
documents, no token, no protection. Nothing in here is slower than it has to be for somebody who
writes it in an afternoon; what would make it fast is what the gateway is for.
"""
