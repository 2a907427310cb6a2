"""The schema, as code; `schema.graphql` is its checked-in text and a test compares the two."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers.mutation import Mutation
from resolvers.query import Query
from resolvers.scalars import SCALARS
from resolvers.subscription import Subscription

Schema = strawberry.Schema


def build_schema() -> Schema:
    """The public schema. Building it costs tens of ms: do it once a process."""
    config = StrawberryConfig(scalar_map=SCALARS)
    return Schema(query=Query, mutation=Mutation, subscription=Subscription, config=config)
