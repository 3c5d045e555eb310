"""Reading requests: paths, queries, bodies, credentials, and what clients accept."""
