"""Who is measured beside whom."""

from typing import Final

NAIVE: Final = "Strawberry, FastAPI, httpx"
APOLLO: Final = "Apollo Server 5"
YOGA: Final = "GraphQL Yoga 5"
MERCURIUS: Final = "Mercurius 16, JIT"
OURS: Final = "this gateway, live"
OURS_AS_IT_COMES: Final = "this gateway, as it comes"
ON_NODE: Final = (APOLLO, YOGA, MERCURIUS)
PAGE: Final = "100 orders: "


def page_of(name: str) -> str:
    """The row of this one's pages of a hundred orders."""
    return PAGE + name
