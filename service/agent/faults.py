"""What goes wrong in a vehicle, in words: what happened, what was expected, what to do."""

import errno

from streetsight.models.language import SpokenError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class AgentError(SpokenError):
    """Something that the agent cannot go on with; the message says what to do."""


class SpoolError(AgentError):
    """The spool cannot be used."""


class SpoolFull(SpoolError):
    """No room is left for a frame, and nothing may be evicted for it. What is there is safe."""


class LinkError(AgentError):
    """The server could not be spoken to this time; try again later, nothing is lost.

    Attributes:
        wait_s: not before; what the server asked for, or 0.
    """

    def __init__(self, message: str, /, wait_s: float = 0.0, **values: object) -> None:
        super().__init__(message, **values)
        self.wait_s = wait_s


class WrongServer(LinkError):
    """Whoever answers is not the server that the agent was enrolled with."""


class Unauthorised(LinkError):
    """The server does not know the agent's token, or took it back."""
