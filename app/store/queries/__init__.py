"""Queries: views of the tables, pages, and references."""
