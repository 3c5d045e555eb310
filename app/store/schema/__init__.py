"""The tables, their migrations, and how rows are searched."""
