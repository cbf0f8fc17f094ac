"""Actions that no version has any more: each is 410, with a sentence on what to use instead."""

from typing import NoReturn

from nova import errors
from nova.api.request import Request
from nova.api.resources.servers.verbs import ACTION
from nova.api.routes import route


@route('POST', ACTION, action='resetNetwork', policy=None, status=410)
def reset_network(request: Request, server_id: str) -> NoReturn:
    raise errors.Gone(
        'The network of a guest is no longer reset from here. Reboot the server, or detach its interface.'
    )


@route('POST', ACTION, action='os-getRDPConsole', policy=None, status=410)
def rdp_console(request: Request, server_id: str) -> NoReturn:
    raise errors.Gone('RDP consoles are gone. Ask for another kind with POST /servers/{server_id}/remote-consoles.')
