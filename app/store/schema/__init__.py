"""The tables, their triggers and migrations, and the search column."""
