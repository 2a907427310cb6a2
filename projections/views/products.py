"""The product row."""

from typing import Annotated, ClassVar

from msgspec import Meta

from projections.versions import AggregateType
from projections.views.aggregate import AggregateRow, Currency, Money, require_amounts


class ProductRow(AggregateRow, frozen=True, rename="camel", kw_only=True):
    """A product as the product service publishes it."""

    aggregate_type: ClassVar[AggregateType] = AggregateType.PRODUCT

    name: str
    price: Money
    currency: Currency
    stock: Annotated[int, Meta(ge=-(2**31), lt=2**31)]

    def __post_init__(self) -> None:
        require_amounts(self.price)
