"""The one place that knows HTTP numbers: what each error becomes for the client."""

import dataclasses
import logging
from typing import Any

import orjson

from nova import errors
from nova.api.microversions import NotAcceptable

LOG = logging.getLogger(__name__)

_NAMES = {
    400: 'badRequest',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'itemNotFound',
    405: 'badMethod',
    409: 'conflictingRequest',
    413: 'overLimit',
    415: 'badMediaType',
    429: 'overLimit',
    501: 'notImplemented',
    503: 'serviceUnavailable',
}
RETRY_AFTER = 5


class TooLarge(errors.Refused):
    """The body is longer than is read."""


class WrongMediaType(errors.Refused):
    """The body is not JSON."""


class MethodNotAllowed(errors.Refused):
    """The path knows other methods; `allowed` names them."""

    def __init__(self, allowed: list[str]):
        super().__init__('The method specified is not allowed for this resource.')
        self.allowed = allowed


class KeyReused(errors.Refused):
    """A key that stands for one request came with another."""


class StillRunning(errors.Conflict):
    """The same request is carried out just now."""


class NoRoute(errors.NotFound):
    """There is nothing at this path, or not at this version."""

    def __init__(self, message: str = 'The resource could not be found.'):
        super().__init__(message)


class Unauthorized(errors.Refused):
    """Nobody has said who asks."""


# The first class that fits decides: the particular before the general.
_CODES: tuple[tuple[type[errors.NovaError], int], ...] = (
    (NotAcceptable, 406),
    (TooLarge, 413),
    (WrongMediaType, 415),
    (MethodNotAllowed, 405),
    (Unauthorized, 401),
    (KeyReused, 422),
    (errors.NotFound, 404),
    (errors.Gone, 410),
    (errors.Conflict, 409),
    (errors.Stopped, 409),
    (errors.PastDeadline, 409),
    (errors.Forbidden, 403),
    (errors.OverQuota, 403),
    (errors.NotImplementedHere, 501),
    (errors.ServiceMissing, 503),
    (errors.Unavailable, 503),
    (errors.Refused, 400),
    (errors.ServiceDown, 503),
    (errors.HostFailed, 503),
)
_AWAY = 'A part of the cloud does not answer just now. Try again later.'
_BUG = 'Unexpected API Error. Tell the operators of this cloud, and give them the request id.'


@dataclasses.dataclass(frozen=True)
class Fault:
    """An error as the client sees it."""

    code: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()

    def body(self) -> bytes:
        particulars: dict[str, Any] = {'code': self.code, 'message': self.message}
        if self.code in (413, 429):
            particulars['retryAfter'] = '0'
        return orjson.dumps({_NAMES.get(self.code, 'computeFault'): particulars})


def code(error: Exception) -> int:
    """The HTTP status that the error becomes."""
    return next((number for kind, number in _CODES if isinstance(error, kind)), 500)


def fault(error: Exception, is_admin: bool = False) -> Fault:
    """What the client is told. Only `Refused` tells its own text; administrators are told what is away, too."""
    number = code(error)
    if isinstance(error, MethodNotAllowed):
        return Fault(number, str(error), (('Allow', ', '.join(error.allowed)),))
    if isinstance(error, StillRunning):
        return Fault(number, str(error), (('Retry-After', str(RETRY_AFTER)),))
    if isinstance(error, errors.Refused):
        return Fault(number, str(error))
    if number == 503:
        LOG.warning('%s: %s', type(error).__name__, error)
        return Fault(number, str(error) if is_admin else _AWAY, (('Retry-After', str(RETRY_AFTER)),))
    LOG.error('A request failed for a reason that the API does not know.', exc_info=error)
    return Fault(500, f'{_BUG}\n{type(error)}')
