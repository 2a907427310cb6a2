"""The customer row."""

from typing import ClassVar

from projections.versions import AggregateType
from projections.views.aggregate import AggregateRow


class CustomerRow(AggregateRow, frozen=True, rename="camel", kw_only=True):
    """A customer as the customer service publishes her."""

    aggregate_type: ClassVar[AggregateType] = AggregateType.CUSTOMER

    name: str
    email: str
