"""What a command says when it cannot do its work."""


class Refused(Exception):  # noqa: N818  what happened to the request, not a fault of the program
    """The command cannot do what was asked; the message says why and what to do instead."""
