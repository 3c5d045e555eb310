"""Review of a contract change: compare two contracts, rate the differences, and try both on recorded traffic."""
