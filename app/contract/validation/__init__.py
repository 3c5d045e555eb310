"""Validation of values by schemas, and the messages of violations."""
