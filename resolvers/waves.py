"""What is still missing from an answer, wave by wave, and what was looked up in vain. Pure."""

from typing import Final

from msgspec import Struct

from projections.selection import PageKey, Root, do_customers_lead_on, reach
from projections.versions import CUSTOMER, PRODUCT, AggregateKey
from projections.views import OrderRow
from resolvers.answer import Answer, Failed, FoundPage
from resolvers.demand import Demand

_LEAVES: Final = (PRODUCT, CUSTOMER)
"""What leads nowhere, where no list of orders is asked for."""


class Wave(Struct, frozen=True):
    """What one step has to find out. ``is_last``: none of it can lead to more."""

    keys: tuple[AggregateKey, ...]
    pages: tuple[PageKey, ...]
    is_last: bool


def next_wave(root: Root, demand: Demand, answer: Answer) -> Wave | None:
    """What ``root`` needs that ``answer`` does not have; None when it is complete. Pure.

    A list may show any order of the caller's tokens, so with a page come all of those.
    """
    reached = reach(root, answer.row_of, answer.page_of)
    keys = reached.keys
    if reached.pages:
        keys.update(dict.fromkeys(demand.orders))
    new_keys = [key for key in keys if key not in answer.components]
    new_pages = [page for page in reached.pages if page not in answer.pages]
    if not (new_keys or new_pages):
        return None
    leaves = (PRODUCT,) if do_customers_lead_on(root) else _LEAVES
    is_last = not new_pages and all(key.type in leaves for key in new_keys)
    return Wave(tuple(new_keys), tuple(new_pages), is_last)


def unshown(root: Root, demand: Demand, answer: Answer) -> set[AggregateKey]:
    """Stale or failed components that no field shows and that no page shown has passed over.

    They had been looked up for what failed then: for a list, or for one that stood in and could
    not. A list passes over demanded orders of its customer, which never changes; of an order that
    is gone nobody knows whose it was, so any list may lack it.
    """
    doubtful = {
        key
        for key, component in answer.components.items()
        if isinstance(component, Failed) or component.provenance.is_stale
    }
    if not doubtful:
        return doubtful
    reached = reach(root, answer.row_of, answer.page_of).keys
    listed_ids = {
        page.customer_id for page, found in answer.pages.items() if isinstance(found, FoundPage)
    }
    demanded = set(demand.orders)
    left_out: set[AggregateKey] = set()
    for key in doubtful - reached.keys():
        row = answer.row_of(key)
        may_list = row.customer_id in listed_ids if isinstance(row, OrderRow) else bool(listed_ids)
        if not (key in demanded and may_list):
            left_out.add(key)
    return left_out
