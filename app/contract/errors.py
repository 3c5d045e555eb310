"""Errors that several packages of `app.contract` raise."""


class BrokenContract(Exception):
    """A response that violates the contract and must not be sent."""
