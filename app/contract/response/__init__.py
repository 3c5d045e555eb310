"""Responses: validated JSON, files, examples."""
