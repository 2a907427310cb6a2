"""A read model made again from its logs, beside the one that is read."""
