"""The store of the read models in Redis or Valkey, shared by gateways and projectors."""

from projections.redis_store.store import RedisStore

__all__ = ["RedisStore"]
