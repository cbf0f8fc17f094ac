"""Errors, named by what the caller can do about them."""


class NovaError(Exception):
    """Any error that nova raises on purpose; its text is a sentence for whoever reads it."""


class Refused(NovaError):
    """The request cannot be granted as it stands. Safe to show to the user."""


class NotFound(Refused):
    """What was asked for does not exist, or is not visible to the caller."""


class Conflict(Refused):
    """The thing is in a state that does not allow this now."""


class Gone(Refused):
    """There was such a thing in earlier releases, and never will be again."""


class Invalid(Refused):
    """The request itself is wrong; the text names the field."""


class Forbidden(Refused):
    """The caller may not do this."""


class OverQuota(Refused):
    """The project has used up what it may have."""


class NoRoom(Refused):
    """No host can take the server. `reasons` says why for each host, for administrators."""

    def __init__(self, message: str = 'No valid host was found.', reasons: dict[str, str] | None = None):
        super().__init__(message)
        self.reasons = dict(reasons or {})


class ImageUnacceptable(Refused):
    """The image is not what it claims to be, or uses features that are not safe."""


class Stopped(Refused):
    """The operation was asked to stop, because the user deleted the server."""


class PastDeadline(Refused):
    """The operation did not end within its time."""


class NotImplementedHere(Refused):
    """The host or its driver cannot do this."""


class ServiceMissing(Refused):
    """This cloud has no such service; trying again does not help."""


class Unavailable(Refused):
    """Something that this needs cannot be used just now; the caller may try again later."""


class LeaseLost(NovaError):
    """Another conductor has taken this operation over; leave it alone."""


class HostFailed(NovaError):
    """A host could not do its part; another host may."""


class ServiceDown(NovaError):
    """A daemon, the database, the bus or a neighbour does not answer; try again later."""


class HostAway(ServiceDown):
    """One host does not answer, though the bus does; another host may serve as well."""
