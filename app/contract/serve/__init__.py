"""Serving requests by their plans."""
