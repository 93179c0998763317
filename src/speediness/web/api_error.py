"""What the server will not do, as one line and an HTTP status."""

from speediness.errors import SpeedinessError


class ApiError(SpeedinessError):
    """A request that is not obeyed.

    Args:
        status: HTTP status, 400 to 599.
        message: what is wrong and what to do.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
