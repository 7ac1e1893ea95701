"""How telling can fail, by what to do about it. Messages name neither addresses nor passwords: they go to logs."""


class NotToldError(Exception):
    """The receiver did not take it."""


class TryAgainError(NotToldError):
    """It may take it later: no answer, an answer of 5xx, or a request for a pause of `pause` seconds (0 if it named none)."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


class RefusedError(NotToldError):
    """It takes this from nobody: a wrong address, a wrong password, a missing Secret. Repeating it changes nothing."""
