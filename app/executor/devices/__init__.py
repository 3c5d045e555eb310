"""Devices by which users prove who they are, one module per kind, named after it."""
