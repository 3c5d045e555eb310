"""What can go wrong in the domain. No HTTP here: `contract/` decides how each is answered."""


class DomainError(Exception):
    """Base of the errors that handlers and the store raise on purpose."""


class NotFound(DomainError):
    """The object that a request names does not exist, or does not match its filters."""


class PageNotFound(NotFound):
    """The page that a request asks for lies outside the pages there are."""


class NotUnique(DomainError):
    """Another object has the value already.

    :param member: name of the member, as in the contract
    """

    def __init__(self, member: str) -> None:
        super().__init__(member)
        self.member = member


class Unavailable(DomainError):
    """The database does not answer, or not in time. Nothing was changed."""
