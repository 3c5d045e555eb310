"""The contract compiled: a plan for each operation, the router, the models."""
