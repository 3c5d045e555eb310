"""Compare two contracts: what differs in each operation that both have, part by part, and what that does to a client."""
