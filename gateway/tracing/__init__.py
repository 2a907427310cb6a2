"""Spans of OpenTelemetry, made of what was noted once an operation has its answer."""
