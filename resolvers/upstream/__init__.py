"""Everything between a resolver and somebody else's service.

Resolvers see typed clients (`orders`, `customers`, `products`) that speak of ids and rows. Below
them one tower of layers (`call`) decides whether, when and how often the wire is touched, and
turns whatever comes back into a row or one of the errors of `errors`. Nothing outside this package
knows who speaks HTTP, or that pybreaker exists.
"""
