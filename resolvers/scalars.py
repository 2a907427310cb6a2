"""The scalars and enums of the public schema."""

from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from projections.views import OrderStatus
from resolvers.demand import OnTimeout

ConsistencyToken = NewType("ConsistencyToken", str)

SCALARS: dict[object, ScalarDefinition] = {
    ConsistencyToken: strawberry.scalar(
        name="ConsistencyToken",
        description="Opaque, signed, bound to your session. Send back the last one you were given.",
        serialize=str,
        parse_value=lambda value: ConsistencyToken(_text(value)),
    )
}

strawberry.enum(OrderStatus, description="Where an order is in its life.")
strawberry.enum(
    OnTimeout,
    description="What to do when the read model is too old and the wait is over: "
    "ask the owning service, show what there is and say so, or answer with an error.",
)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise GraphQLError("A consistency token is a string.")
    return value
