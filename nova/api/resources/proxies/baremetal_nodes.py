"""Bare metal nodes, until 2.35: those of Ironic, which this cloud does not use. Changing them was never possible here."""

from typing import NoReturn

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.routes import route

UNTIL = '2.35'
INDEX = policy.admin('os_compute_api:os-baremetal-nodes:list', 'Lists bare metal nodes.')
SHOW = policy.admin('os_compute_api:os-baremetal-nodes:show', 'Shows a bare metal node.')


@route('GET', '/os-baremetal-nodes', policy=INDEX, until=UNTIL)
def index(request: Request) -> NoReturn:
    _refuse_to_look()


@route('GET', '/os-baremetal-nodes/{node_id}', policy=SHOW, until=UNTIL)
def show(request: Request, node_id: str) -> NoReturn:
    _refuse_to_look()


@route('POST', '/os-baremetal-nodes', policy=None, until=UNTIL, status=400)
def create(request: Request) -> NoReturn:
    _refuse('node-create')


@route('DELETE', '/os-baremetal-nodes/{node_id}', policy=None, until=UNTIL, status=400)
def delete(request: Request, node_id: str) -> NoReturn:
    _refuse('node-delete')


@route('POST', '/os-baremetal-nodes/{node_id}/action', action='add_interface', policy=None, until=UNTIL, status=400)
def add_interface(request: Request, node_id: str) -> NoReturn:
    _refuse('port-create')


@route('POST', '/os-baremetal-nodes/{node_id}/action', action='remove_interface', policy=None, until=UNTIL, status=400)
def remove_interface(request: Request, node_id: str) -> NoReturn:
    _refuse('port-delete')


def _refuse_to_look() -> NoReturn:
    raise errors.NotImplementedHere('This cloud has no bare metal service: nodes of Ironic cannot be listed.')


def _refuse(command: str) -> NoReturn:
    raise errors.Invalid(f'Command Not supported. Please use Ironic command {command} to perform this action.')
