"""What a page loses with each service and with each pair, and the ways in which it is composed.

The page is an order with its customer and two products.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.gateway_in_process import (
    GatewayInProcess,
    Opening,
    open_composing_gateway,
    open_gateway,
)
from tests.graphql_answers import Answer, Json

SERVICES = ("orders", "customers", "products")
PAGE = '{ order(id: "o-1"%s) { status customer { name } items { quantity product { name } } } }'

WHOLE = {
    "status": "PLACED",
    "customer": {"name": "Ada"},
    "items": [
        {"quantity": 1, "product": {"name": "Lamp"}},
        {"quantity": 1, "product": {"name": "Mug"}},
    ],
}
NO_CUSTOMER = {"customer": None}
NO_PRODUCTS = {"items": [{"quantity": 1, "product": None}, {"quantity": 1, "product": None}]}


@dataclass(frozen=True)
class Casualty:
    """Services that fail together: what is shown all the same, and where each loss is told.

    ``unreached``: whom nobody asks then, because only the order would have led there.
    """

    services: tuple[str, ...]
    shown: Json
    errors: Mapping[str, str]
    unreached: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " and ".join(self.services)


ORDER_LOST = {"order": "orders"}
CUSTOMER_LOST = {"order.customer": "customers"}
PRODUCTS_LOST = {"order.items.0.product": "products", "order.items.1.product": "products"}
BOTH_UNREACHED = ("customers", "products")

CASUALTIES = (
    Casualty(("orders",), None, ORDER_LOST, BOTH_UNREACHED),
    Casualty(("customers",), WHOLE | NO_CUSTOMER, CUSTOMER_LOST),
    Casualty(("products",), WHOLE | NO_PRODUCTS, PRODUCTS_LOST),
    Casualty(("orders", "customers"), None, ORDER_LOST, BOTH_UNREACHED),
    Casualty(("orders", "products"), None, ORDER_LOST, BOTH_UNREACHED),
    Casualty(
        ("customers", "products"),
        WHOLE | NO_CUSTOMER | NO_PRODUCTS,
        CUSTOMER_LOST | PRODUCTS_LOST,
    ),
)


@dataclass(frozen=True)
class Way:
    """How the page is composed. ``asks_ahead``: customer and products are asked for on a guess."""

    name: str
    opened: Opening
    page: str
    asks_ahead: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


LIVE_PAGE = PAGE % ", consistency: {live: true}"
COMPOSED = Way("no projection", open_composing_gateway, PAGE % "", settings={"guess_ahead": False})
GUESSED = Way("guessed ahead", open_gateway, LIVE_PAGE, asks_ahead=True)
WAYS = (
    COMPOSED,
    Way("live demanded", open_gateway, LIVE_PAGE, settings={"guess_ahead": False}),
    GUESSED,
)

each_way = pytest.mark.parametrize("way", WAYS, ids=str)
each_casualty = pytest.mark.parametrize("casualty", CASUALTIES, ids=str)
each_single = pytest.mark.parametrize(
    "casualty", [casualty for casualty in CASUALTIES if len(casualty.services) == 1], ids=str
)


def hit_counts(bff: GatewayInProcess) -> dict[str, int]:
    return {service: len(bff.hits_of(service)) for service in SERVICES}


def told_of(answer: Answer) -> dict[str, Json]:
    """What is told of each loss, by its path."""
    return {".".join(map(str, error["path"])): error["extensions"] for error in answer.errors}
