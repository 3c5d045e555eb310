"""Execution of plans for requests."""
