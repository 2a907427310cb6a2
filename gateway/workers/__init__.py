"""Several processes on one port: `bff serve --workers N`."""
