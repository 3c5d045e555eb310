"""Comparison of two contracts: the differences of each operation, part by part, and their effects on clients."""
