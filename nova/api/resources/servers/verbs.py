"""What each verb on a server goes through before its operation begins."""

from typing import Any, NoReturn

from nova import errors
from nova.api.policy import Rule
from nova.api.request import Request
from nova.api.resources.servers.find import find
from nova.api.schema import Body
from nova.domain import lifecycle
from nova.domain.lifecycle import TRANSITIONS
from nova.domain.server import Server
from nova.operations import start
from nova.operations.guest_operation import GuestOperation

ACTION = '/servers/{server_id}/action'
# Clients send null, an empty string or an empty object where there is nothing to say.
NOTHING: dict[str, Any] = {'type': ['null', 'string', 'object'], 'maxLength': 0, 'additionalProperties': False}
PASSWORD = {'type': 'string', 'maxLength': 255}


def nothing(action: str) -> Body:
    """The body of an action that takes no arguments."""
    return Body(action, inner=NOTHING)


def admit(request: Request, server_id: str, rule: Rule, verb: str) -> Server:
    """The server, if the caller may know of it and the verb may begin now. Errors: NotFound, Conflict.

    What the database says when the operation begins is final; this comes before the arguments are looked at.
    """
    server = find(request, server_id, rule)
    why = lifecycle.conflict(
        TRANSITIONS[verb],
        server.id,
        server.state,
        server.activity,
        busy=server.operation_id is not None,
        locked=server.locked and not request.context.is_admin,
        launched=server.launched_at is not None,
    )
    if why:
        raise errors.Conflict(why)
    return server


def begin(request: Request, operation: GuestOperation) -> str:
    """Have the operation run; the id of its journal. What the database says of the server's state is final.

    Errors: Conflict.
    """
    return start.verb(request.services, request.context, operation)


def not_built(what: str) -> NoReturn:
    """Stands where an operation will begin. tests/standing/test_not_built.py lists the routes that have it."""
    raise errors.NotImplementedHere(f'{what} is not offered by this cloud yet.')
