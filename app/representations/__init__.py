"""Representations of stored objects: their properties in the order of the contract."""
