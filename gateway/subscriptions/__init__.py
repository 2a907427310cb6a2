"""Live updates: orders followed over WebSockets and event streams, woken by the store's news."""
