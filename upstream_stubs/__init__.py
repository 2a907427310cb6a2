"""Small real services that own orders, customers and products, for local work and for tests.

The rule: they obey `docs/contract.md` as other people's services would, and they know nothing of
the gateway. Each is a process of its own with an SQLite file of its own; they meet each other, and
everybody else, over HTTP and over events only.

Reading order: `resources` (what is published) → `database`, `outbox` (how a change is committed) →
`feed` (how it is told) → `request_parsing`, `problems`, `idempotency` (the REST border) →
`customers`, `products`, `orders`, `replica` (the services) → `faults` (how they misbehave on
demand) → `relay` (how changes reach Kafka) → `service`, `process`, `supervisor`, `__main__` (how
they run).
"""
