"""The tables, their migrations, and the search column."""
