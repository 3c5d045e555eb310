"""Validation of values by schemas, and the messages about them."""
