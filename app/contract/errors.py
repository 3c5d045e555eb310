"""Errors that several parts of the contract's path share."""


class BrokenContract(Exception):
    """An answer that the contract does not allow; it must not reach the client."""
