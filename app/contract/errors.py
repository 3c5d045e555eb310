"""Errors that several packages of `app.contract` raise."""


class ResponseValidationError(Exception):
    """A response that violates the contract and must not be sent."""
