"""Kinds of errors of the service, without HTTP: `errors.py` alone knows which status each kind is.

A noun's own errors are small subclasses of these, each with a `code` that programs can rely on.
"""

from collections.abc import Sequence
from typing import ClassVar

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language


class ServiceError(SpokenError):
    """Base. `code` names the error for programs; the message tells people what to do."""

    code: ClassVar[str] = "error"


class Invalid(ServiceError):
    """What was sent cannot be understood or used."""

    code = "invalid"

    def places(self, _language: Language) -> Sequence[tuple[str, str]]:
        """Where something is wrong, and what, each by itself; none where the message says it all."""
        return ()


class TooLarge(ServiceError):
    """What was sent is larger than this server takes."""

    code = "too_large"


class Unauthenticated(ServiceError):
    """Nobody known is asking."""

    code = "unauthenticated"


class Forbidden(ServiceError):
    """Who asks is known and may not."""

    code = "forbidden"


class NotFound(ServiceError):
    """There is none, or none that who asks may know of."""

    code = "not_found"


class Conflict(ServiceError):
    """It contradicts what is there."""

    code = "conflict"


class Gone(ServiceError):
    """It was here, and will not come back."""

    code = "gone"


class Locked(ServiceError):
    """Somebody else is working on it right now."""

    code = "locked"


class BadHeader(ServiceError):
    """A header that cannot be read."""

    code = "bad_header"


class WrongProtocol(ServiceError):
    """A version of a protocol that is not spoken here."""

    code = "wrong_protocol"


class WrongType(ServiceError):
    """A body of a kind that is not taken here."""

    code = "wrong_type"


class WrongChecksum(ServiceError):
    """Bytes that are not those that were sent."""

    code = "wrong_checksum"


class NoVersion(ServiceError):
    """It may be changed only by who says which version was read."""

    code = "precondition_required"


class Stale(ServiceError):
    """It was changed since who asks has read it. `version` is the one now."""

    code = "stale"

    def __init__(self, message: str, /, version: int, **values: object) -> None:
        super().__init__(message, version=version, **values)
        self.version = version


class _Later(ServiceError):
    """Possible at another time."""

    def __init__(self, message: str, /, retry_after_seconds: float = 1.0, **values: object) -> None:
        super().__init__(message, **values)
        self.retry_after_seconds = retry_after_seconds


class OverQuota(_Later):
    """Who asks has used up what it may use for now."""

    code = "over_quota"


class Busy(_Later):
    """The server has too much to do at the moment."""

    code = "busy"


class Unavailable(_Later):
    """Something that the server depends on does not answer."""

    code = "unavailable"


class StorageFull(_Later):
    """No room is left."""

    code = "storage_full"
