"""The operator's tools: one module a command, thin, over what the lower layers decide."""
