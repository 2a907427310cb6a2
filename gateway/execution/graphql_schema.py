"""graphql-core's view of a Strawberry schema."""

import strawberry
from graphql import GraphQLSchema


def graphql_schema_of(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's view of the schema, for which Strawberry has no public name."""
    return schema._schema  # noqa: SLF001 - the one place
