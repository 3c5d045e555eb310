"""The compiled contract: a plan for each operation, the router, the models."""
