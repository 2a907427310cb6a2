"""The front door: HTTP, limits, lifecycle; the only place where concrete things meet."""
