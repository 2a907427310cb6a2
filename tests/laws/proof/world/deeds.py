"""What clients do, by kind: small values for a rule to draw, and the operations they stand for."""

from enum import StrEnum

from projections.versions import AggregateKey, AggregateType
from tests.laws.proof.world.asking import (
    Ask,
    Mode,
    Page,
    annotate,
    cancel,
    place,
    read_both,
    read_one,
    read_page,
    rename,
    restock,
    write,
)
from tests.laws.proof.world.house import CUSTOMERS, PRODUCTS


class Look(StrEnum):
    """What a client may look at."""

    ORDER = "order"
    CUSTOMER = "customer"
    PRODUCT = "product"
    LIST = "list"
    SHORT_LIST = "short list"
    PLACED = "orders that are placed"
    CANCELLED = "orders that are cancelled"
    BOTH = "an order and a list"


class Deed(StrEnum):
    """What a client may change."""

    ANNOTATE = "annotate"
    CANCEL = "cancel"
    PLACE = "place"
    RENAME = "rename"
    RESTOCK = "restock"
    TWICE = "annotate and rename"
    TWICE_IN_VAIN = "annotate and rename nobody"


SHOWS = {
    Deed.ANNOTATE: Look.ORDER,
    Deed.CANCEL: Look.PLACED,
    Deed.PLACE: Look.LIST,
    Deed.RENAME: Look.CUSTOMER,
    Deed.RESTOCK: Look.PRODUCT,
    Deed.TWICE: Look.BOTH,
    Deed.TWICE_IN_VAIN: Look.ORDER,
}
"""Where a client would look for what it has done."""


def look_at(look: Look, nth: int, orders: list[str], mode: Mode) -> Ask:
    """The operation that looks at the nth thing of this kind."""
    customer, product = CUSTOMERS[nth % len(CUSTOMERS)], PRODUCTS[nth % len(PRODUCTS)]
    order = AggregateKey(AggregateType.ORDER, orders[nth % len(orders)])
    match look:
        case Look.ORDER:
            ask = read_one(order, mode)
        case Look.CUSTOMER:
            ask = read_one(AggregateKey(AggregateType.CUSTOMER, customer), mode)
        case Look.PRODUCT:
            ask = read_one(AggregateKey(AggregateType.PRODUCT, product), mode)
        case Look.LIST:
            ask = read_page(Page(customer), mode)
        case Look.SHORT_LIST:
            ask = read_page(Page(customer, first=1), mode)
        case Look.PLACED | Look.CANCELLED:
            ask = read_page(Page(customer, look.name), mode)
        case Look.BOTH:
            ask = read_both(order, Page(customer), mode)
    return ask


def do(deed: Deed, nth: int, orders: list[str], idempotency_key: str) -> Ask:
    """The operation that does this to the nth thing it can be done to."""
    customer, product = CUSTOMERS[nth % len(CUSTOMERS)], PRODUCTS[nth % len(PRODUCTS)]
    order = orders[nth % len(orders)]
    match deed:
        case Deed.ANNOTATE:
            ask = write(f"annotates {order}", annotate(order, "n"))
        case Deed.CANCEL:
            ask = write(f"cancels {order}", cancel(order))
        case Deed.PLACE:
            placed = place(customer, product, idempotency_key)
            ask = write(f"places an order of {product} for {customer}", placed)
        case Deed.RENAME:
            ask = write(f"renames {customer}", rename(customer, "Bob"))
        case Deed.RESTOCK:
            ask = write(f"restocks {product}", restock(product, 3))
        case Deed.TWICE:
            told = f"annotates {order} and renames {customer}"
            ask = write(told, annotate(order, "m"), rename(customer, "Eve"))
        case Deed.TWICE_IN_VAIN:
            told = f"annotates {order} and renames nobody"
            ask = write(told, annotate(order, "m"), rename("c-99", "Eve"))
    return ask
