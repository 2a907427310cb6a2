"""What a query asks for, as a tree, and how far that tree reaches through rows already known.

One rule serves both read paths: `reach` walks from a root through known rows and names every row
and page the answer needs. A store walks over its own rows and so answers a whole operation in one
cut; composition walks over what has been fetched so far, and what is reached but not yet known is
the next wave of calls. So nothing is fetched that was not asked for, and N+1 calls cannot happen.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from projections.versions import CUSTOMER, ORDER, PRODUCT, AggregateKey, AggregateType
from projections.views import OrderRow, Row
from projections.views.orders import ListingPosition, OrderStatus


class OrderSelection(Struct, frozen=True):
    """What is asked of an order besides its own fields."""

    customer: "CustomerSelection | None" = None
    has_products: bool = False

    @property
    def has_pages(self) -> bool:
        """Is any list of its customer's orders asked for?"""
        return self.customer is not None and bool(self.customer.orders)


class PageSelection(Struct, frozen=True):
    """One page of a customer's orders, newest first: ``first`` orders listed after ``after``."""

    first: int
    after: ListingPosition | None = None
    status: OrderStatus | None = None
    node: OrderSelection = OrderSelection()


class CustomerSelection(Struct, frozen=True):
    """What is asked of a customer besides her own fields: any number of pages of her orders."""

    orders: tuple[PageSelection, ...] = ()


class OrderRoot(Struct, frozen=True):
    """One order by id."""

    id: str
    selection: OrderSelection = OrderSelection()


class OrdersRoot(Struct, frozen=True):
    """One page of a customer's orders."""

    customer_id: str
    page: PageSelection


class CustomerRoot(Struct, frozen=True):
    """One customer by id."""

    id: str
    selection: CustomerSelection = CustomerSelection()


class ProductRoot(Struct, frozen=True):
    """One product by id."""

    id: str


Root = OrderRoot | OrdersRoot | CustomerRoot | ProductRoot

_ROOTS: Final[Mapping[AggregateType, Callable[[str], Root]]] = {
    ORDER: OrderRoot,
    CUSTOMER: CustomerRoot,
    PRODUCT: ProductRoot,
}


def root_of(key: AggregateKey) -> Root:
    """The root that reads just this row."""
    return _ROOTS[key.type](key.id)


class PageKey(Struct, frozen=True):
    """Names one page among all pages: two selections with the same key read the same page."""

    customer_id: str
    status: OrderStatus | None
    first: int
    after: ListingPosition | None

    @classmethod
    def of(cls, customer_id: str, page: PageSelection) -> "PageKey":
        return cls(customer_id, page.status, page.first, page.after)


class OrderLinks(Struct, frozen=True):
    """Whom an order leads to, where no more is known of it: enough to ask, nothing to show."""

    customer_id: str
    product_ids: tuple[str, ...]

    @classmethod
    def of(cls, order: OrderRow) -> "OrderLinks":
        return cls(order.customer_id, order.product_ids)


RowOf = Callable[[AggregateKey], Row | OrderLinks | None]
PageOf = Callable[[PageKey], Sequence[str] | None]


class Reach(Struct):
    """Every row and page a root needs, as far as known rows lead. Order of first need is kept."""

    keys: dict[AggregateKey, None] = field(default_factory=dict)
    pages: dict[PageKey, None] = field(default_factory=dict)


def reach(root: Root, row_of: RowOf, page_of: PageOf) -> Reach:
    """Walk from ``root``; an unknown row or page (``None``) is named and ends its branch.

    Each (thing, selection) pair is visited once, so the cost is bounded by rows × selections even
    where orders lead to customers that lead to the same orders.
    """
    match root:  # those that lead nowhere come by the hundred, for the rows that a token names
        case ProductRoot(id):
            return Reach({AggregateKey(PRODUCT, id): None})
        case OrderRoot(id, OrderSelection(customer=None, has_products=False)):
            return Reach({AggregateKey(ORDER, id): None})
        case CustomerRoot(id, CustomerSelection(orders=())):
            return Reach({AggregateKey(CUSTOMER, id): None})
        case OrderRoot(id, wanted) if not wanted.has_pages:
            return Reach(_keys_of(id, wanted, row_of))
    walk = _Walk(row_of, page_of)
    match root:
        case OrderRoot(id, selection):
            walk.orders((id,), selection)
        case OrdersRoot(customer_id, page):
            walk.page(customer_id, page)
        case CustomerRoot(id, selection):
            walk.customer(id, selection)
    return walk.reached


def _keys_of(order_id: str, selection: OrderSelection, row_of: RowOf) -> dict[AggregateKey, None]:
    """What an order with its customer and products needs, no list: there is nothing to visit twice.

    Spelled out, for it is what is asked most often.
    """
    key = AggregateKey(ORDER, order_id)
    links = _links_of(row_of(key))
    keys: dict[AggregateKey, None] = {key: None}
    if links is None:
        return keys
    if selection.customer is not None:
        keys[AggregateKey(CUSTOMER, links.customer_id)] = None
    if selection.has_products:
        for product_id in links.product_ids:
            keys[AggregateKey(PRODUCT, product_id)] = None
    return keys


def _links_of(order: Row | OrderLinks | None) -> OrderRow | OrderLinks | None:
    """The same, if it tells whom it leads to."""
    return order if isinstance(order, OrderRow | OrderLinks) else None


class _Walk:
    """``_visited``: the ids of what was visited, by its selection, which is of one kind of thing.

    Ids, because a page has the same customer a hundred times, and five hundred lines of products.
    """

    def __init__(self, row_of: RowOf, page_of: PageOf) -> None:
        self._row_of = row_of
        self._page_of = page_of
        self._visited: defaultdict[int, set[str]] = defaultdict(set)
        self._product_ids: set[str] = set()
        self.reached = Reach()

    def orders(self, order_ids: Iterable[str], selection: OrderSelection) -> None:
        visited, keys = self._visited[id(selection)], self.reached.keys
        for order_id in order_ids:
            if order_id in visited:
                continue
            visited.add(order_id)
            key = AggregateKey(ORDER, order_id)
            keys[key] = None
            links = _links_of(self._row_of(key))
            if links is None:
                continue
            if selection.customer is not None:
                self.customer(links.customer_id, selection.customer)
            if selection.has_products:
                self._products(links.product_ids)

    def customer(self, customer_id: str, selection: CustomerSelection) -> None:
        if self._is_visited(customer_id, selection):
            return
        self.reached.keys[AggregateKey(CUSTOMER, customer_id)] = None
        for page in selection.orders:
            self.page(customer_id, page)

    def page(self, customer_id: str, selection: PageSelection) -> None:
        if self._is_visited(customer_id, selection):
            return
        key = PageKey.of(customer_id, selection)
        self.reached.pages[key] = None
        self.orders(self._page_of(key) or (), selection.node)

    def _is_visited(self, of: str, selection: object) -> bool:
        visited = self._visited[id(selection)]
        is_known = of in visited
        visited.add(of)
        return is_known

    def _products(self, product_ids: Iterable[str]) -> None:
        for product_id in product_ids:
            if product_id not in self._product_ids:
                self._product_ids.add(product_id)
                self.reached.keys[AggregateKey(PRODUCT, product_id)] = None


def leads_on(root: Root) -> bool:
    """Does ``root`` ask of any order who ordered it, or what?"""
    match root:
        case OrderRoot(selection=selection):
            return selection.customer is not None or selection.has_products
        case OrdersRoot(page=page):
            return page.node.customer is not None or page.node.has_products
        case CustomerRoot(selection=selection):
            nodes = [page.node for page in selection.orders]
            return any(node.customer is not None or node.has_products for node in nodes)
        case ProductRoot():
            return False


def do_customers_lead_on(root: Root) -> bool:
    """Does ``root`` show lists of orders of the customers that it reaches?"""
    match root:
        case OrderRoot(selection=selection) | OrdersRoot(page=PageSelection(node=selection)):
            return selection.has_pages
        case CustomerRoot(selection=selection):
            return bool(selection.orders)
        case ProductRoot():
            return False


def has_pages(root: Root) -> bool:
    """Does ``root`` show any list of orders, however deep?"""
    match root:
        case OrdersRoot():
            return True
        case OrderRoot(selection=selection):
            return selection.has_pages
        case CustomerRoot(selection=selection):
            return bool(selection.orders)
        case ProductRoot():
            return False
