"""nova-manage libvirt: the machine types that guests keep for life."""

import argparse
import re
import sys

from nova import errors
from nova.cmd.manage import servers as found
from nova.cmd.manage.arguments import Argument, Command
from nova.cmd.manage.installation import Installation
from nova.cmd.manage.table import show
from nova.db.stores import cells, servers
from nova.domain.guest_wishes import RECORDED_MACHINE
from nova.domain.server import Server

PROPERTY = 'hw_machine_type'
# The kinds of board, each with what the name of a version of it begins with.
BOARDS = {
    'pc': ('pc', 'pc-i440fx'),
    'q35': ('q35', 'pc-q35'),
    'virt': ('virt',),
    's390-ccw-virtio': ('s390-ccw-virtio',),
}
_VERSION = re.compile(r'(?P<board>.+?)-\d+(\.\d+)+(-.+)?')


def get(installation: Installation, arguments: argparse.Namespace) -> int:
    place = found.find(installation, arguments.instance_uuid)
    if place is None:
        return 2
    machine = recorded(place[0])
    if machine is None:
        print(f'No machine type registered for instance {arguments.instance_uuid}')
        return 3
    print(machine)
    return 0


def update(installation: Installation, arguments: argparse.Namespace) -> int:
    place = found.find(installation, arguments.instance_uuid)
    if place is None:
        return 2
    server, database = place
    wanted, old = arguments.machine_type, recorded(place[0])
    if not arguments.force:
        if board(wanted) is None:
            return _refuse(5, f'{wanted} is not a supported machine type.')
        if old and why_not(old, wanted):
            return _refuse(4, why_not(old, wanted))
    fields = {'system_metadata': {**server.system_metadata, RECORDED_MACHINE: wanted}}
    if server.image_properties.get(PROPERTY):
        fields['image_properties'] = {**server.image_properties, PROPERTY: wanted}
    try:
        if arguments.force:
            with database.writing() as tx:
                servers.change(tx, server.id, **fields)
        else:
            found.change(database, server.id, **fields)
    except errors.Conflict as failure:
        return _refuse(3, str(failure))
    print(f'Updated instance {server.id} machine type to {wanted} (previously {old})')
    return 0


def list_unset(installation: Installation, arguments: argparse.Namespace) -> int:
    with installation.api.reading() as tx:
        known = [cell for cell in cells.listing(tx) if not arguments.cell_uuid or cell.id == arguments.cell_uuid]
    if not known:
        return _refuse(2, f'There is no cell {arguments.cell_uuid}.')
    unset = []
    for cell in known:
        with installation.databases.cell(cell.id).reading() as tx:
            unset += servers.without_machine_type(tx, RECORDED_MACHINE, PROPERTY)
    if not unset:
        print('No instances found without hw_machine_type set.')
        return 0
    show(('Instances without hw_machine_type set',), [(server_id,) for server_id in unset])
    return 3


def recorded(server: Server) -> str | None:
    return server.image_properties.get(PROPERTY) or server.system_metadata.get(RECORDED_MACHINE)


def board(machine: str) -> str | None:
    """The kind of board that a machine type is."""
    version = _VERSION.fullmatch(machine)
    name = version['board'] if version else machine
    return next((kind for kind, names in BOARDS.items() if name in names), None)


def why_not(old: str, new: str) -> str | None:
    """Why a guest of one machine type cannot have the other: its system would find another machine."""
    if board(old) != board(new):
        return f'Cannot update machine type {old} to {new}: they are different machines.'
    if bool(_VERSION.fullmatch(old)) != bool(_VERSION.fullmatch(new)):
        return f'Cannot update machine type {old} to {new}: one names a version and the other does not.'
    return None


def _refuse(code: int, why: str | None) -> int:
    print(why, file=sys.stderr)
    return code


_SERVER = Argument('instance_uuid', metavar='INSTANCE_UUID', help='The server.')

COMMANDS = (
    Command('get_machine_type', 'Show the machine type of a server.', get, (_SERVER,)),
    Command(
        'update_machine_type',
        'Change the machine type of a server that is stopped or shelved.',
        update,
        (
            _SERVER,
            Argument('machine_type', metavar='MACHINE_TYPE', help='The machine type, as QEMU calls it.'),
            Argument('--force', action='store_true', help='Do so whatever the server is, and whatever it had before.'),
        ),
        'libvirt update_machine_type UUID pc-q35-8.2',
    ),
    Command(
        'list_unset_machine_type',
        'List the servers of which no machine type is known.',
        list_unset,
        (Argument('--cell-uuid', '--cell_uuid', metavar='UUID', help='Only this cell.'),),
    ),
)
