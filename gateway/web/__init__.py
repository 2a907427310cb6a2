"""What browsers, proxies and slow lines make of HTTP, in parts that know nothing of GraphQL.

The rule: nothing here imports a neighbour but `gateway.errors`, so everybody else may use it.
"""
