"""nova-manage cell_v2: cells, and which of them has a host or a server."""

import argparse
import sys

from nova import errors
from nova.cmd.manage.arguments import Argument, Command
from nova.cmd.manage.hosts import HOST_COMMANDS, discover
from nova.cmd.manage.installation import Installation
from nova.cmd.manage.table import mask, show
from nova.db.database import beside, refuse_bad_url
from nova.db.stores import cells, host_mappings, hosts, mappings, servers
from nova.domain.cell import CELL0_ID, Cell

CELL0_BUS = 'none:///'


def simple_cell_setup(installation: Installation, arguments: argparse.Namespace) -> int:
    transport_url = installation.transport_url(arguments.transport_url)
    map_cell0(installation, argparse.Namespace(database_connection=None))
    found = _map_cell_and_hosts(installation, None, transport_url)
    if found is None:
        print('No hosts found to map to cell, exiting.')
    return 0 if found else 1


def map_cell0(installation: Installation, arguments: argparse.Namespace) -> int:
    connection = arguments.database_connection or beside(installation.cell_connection(None), '_cell0')
    refuse_bad_url(connection)
    with installation.api.writing() as tx:
        if cells.find(tx, CELL0_ID):
            print('Cell0 is already setup')
        else:
            cells.create(tx, 'cell0', CELL0_BUS, connection, cell_id=CELL0_ID)
    return 0


def map_cell_and_hosts(installation: Installation, arguments: argparse.Namespace) -> int:
    transport_url = installation.transport_url(arguments.transport_url)
    cell = _map_cell_and_hosts(installation, arguments.name, transport_url)
    if cell is None:
        print('No hosts found to map to cell, exiting.')
    elif arguments.verbose:
        print(cell.id)
    return 0


def create_cell(installation: Installation, arguments: argparse.Namespace) -> int:
    transport_url = installation.transport_url(arguments.transport_url)
    connection = installation.cell_connection(arguments.database_connection)
    try:
        with installation.api.writing() as tx:
            cell = cells.create(tx, arguments.name, transport_url, connection, arguments.disabled)
    except errors.Conflict as failure:
        print(failure, file=sys.stderr)
        return 2
    if arguments.verbose:
        print(cell.id)
    return 0


def list_cells(installation: Installation, arguments: argparse.Namespace) -> int:
    def hide(url: str) -> str:
        return url if arguments.verbose else mask(url)

    found = sorted(installation.api.read(cells.listing), key=lambda cell: cell.name or '')
    show(
        ('Name', 'UUID', 'Transport URL', 'Database Connection', 'Disabled'),
        [(c.name, c.id, hide(c.transport_url), hide(c.database_connection), c.disabled) for c in found],
    )
    return 0


def update_cell(installation: Installation, arguments: argparse.Namespace) -> int:
    if arguments.disable and arguments.enable:
        print('Cell cannot be disabled and enabled at the same time.')
        return 4
    with installation.api.writing() as tx:
        cell = cells.get(tx, arguments.cell_uuid)
        if cell.is_cell0 and (arguments.disable or arguments.enable):
            print('Cell0 cannot be disabled or enabled.')
            return 5
        try:
            changes = _changes(installation, arguments, cell)
        except errors.Invalid as failure:
            print(failure, file=sys.stderr)
            return 2
        try:
            cells.refuse_shared(tx, changes['transport_url'], changes['database_connection'], but=cell.id)
        except errors.Conflict as failure:
            print(failure, file=sys.stderr)
            return 3
        cells.change(tx, cell.id, **changes)
    return 0


def delete_cell(installation: Installation, arguments: argparse.Namespace) -> int:
    with installation.api.reading() as tx:
        cell = cells.get(tx, arguments.cell_uuid)
        its_hosts = host_mappings.listing(tx, cell.id)
        mapped = mappings.count_in_cell(tx, cell.id)
    if its_hosts and not arguments.force:
        print(f'There are existing hosts mapped to cell with uuid {cell.id}.')
        return 2
    if mapped and installation.databases.cell(cell.id).read(servers.count):
        print(f'There are existing instances mapped to cell with uuid {cell.id}.')
        return 3
    if mapped and not arguments.force:
        print(
            f'There are instance mappings to cell with uuid {cell.id}, but all instances have been deleted in the cell. '
            'Use --force to delete them, too.'
        )
        return 4
    with installation.api.writing() as tx:
        host_mappings.remove_all_of_cell(tx, cell.id)
        mappings.remove_all_of_cell(tx, cell.id)
        cells.remove(tx, cell.id)
    return 0


def verify_instance(installation: Installation, arguments: argparse.Namespace) -> int:
    def say(text: str) -> None:
        if not arguments.quiet:
            print(text)

    server_id = arguments.uuid
    mapping = installation.api.read(lambda tx: mappings.find(tx, server_id))
    if mapping is None:
        say(f'Instance {server_id} is not mapped to a cell (upgrade is incomplete) or instance does not exist')
        return 1
    if mapping.cell_id is None:
        say(f'Instance {server_id} is not mapped to a cell')
        return 2
    server = installation.databases.cell(mapping.cell_id).read(lambda tx: servers.find(tx, server_id))
    if server is None:
        say(f'The instance with uuid {server_id} has been archived, but its mapping is still there.')
        return 4
    if server.deleted:
        say(f'The instance with uuid {server_id} has been deleted.')
        return 3
    cell = installation.databases.cell_mapping(mapping.cell_id)
    say(f'Instance {server_id} is in cell: {cell.name} ({cell.id})')
    return 0


def _map_cell_and_hosts(installation: Installation, name: str | None, transport_url: str) -> Cell | None:
    """The cell of the main database, mapped with its hosts; None, and nothing is mapped, if no host has reported."""
    names = installation.main.read(hosts.names)
    if not names:
        return None
    connection = installation.cell_connection(None)
    with installation.api.writing() as tx:
        cell = next((known for known in cells.listing(tx) if known.database_connection == connection), None)
        if cell is None:
            cell = cells.create(tx, name, transport_url, connection)
    installation.databases.forget()
    if not discover(installation, [cell]):
        print('All hosts are already mapped to cell(s).')
    return cell


def _changes(installation: Installation, arguments: argparse.Namespace, cell: Cell) -> dict[str, object]:
    if cell.is_cell0:
        transport_url = arguments.transport_url or cell.transport_url
        connection = arguments.database_connection or cell.database_connection
    else:
        transport_url = installation.transport_url(arguments.transport_url)
        connection = installation.cell_connection(arguments.database_connection)
    changes: dict[str, object] = {'transport_url': transport_url, 'database_connection': connection}
    if arguments.name:
        changes['name'] = arguments.name
    if arguments.disable or arguments.enable:
        changes['disabled'] = arguments.disable
    return changes


_TRANSPORT = Argument(
    '--transport-url',
    '--transport_url',
    metavar='URL',
    help="The URL of the cell's bus; by default the option transport_url.",
)
_CONNECTION = Argument(
    '--database_connection',
    '--database-connection',
    metavar='URL',
    help="The URL of the cell's database; by default the option [database] connection.",
)
_NAME = Argument('--name', metavar='NAME', help='The name of the cell.')
_CELL = Argument('--cell_uuid', '--cell-uuid', metavar='UUID', required=True, help='The cell.')
_VERBOSE = Argument(
    '--verbose', action='store_true', help='Say more: the id of a cell that is made, the passwords in a list.'
)

COMMANDS = (
    Command('simple_cell_setup', 'Map cell0, and one cell with all hosts.', simple_cell_setup, (_TRANSPORT,)),
    Command(
        'map_cell0',
        'Map cell0, which keeps the servers that never found a host.',
        map_cell0,
        (
            Argument(
                '--database_connection',
                '--database-connection',
                metavar='URL',
                help='By default the main database with _cell0 after its name.',
            ),
        ),
    ),
    Command(
        'map_cell_and_hosts',
        'Map the cell of the main database, and its hosts.',
        map_cell_and_hosts,
        (_NAME, _TRANSPORT, _VERBOSE),
    ),
    Command(
        'create_cell',
        'Map a new cell.',
        create_cell,
        (
            _NAME,
            _CONNECTION,
            _TRANSPORT,
            _VERBOSE,
            Argument('--disabled', action='store_true', help='Send no servers to it yet.'),
        ),
        'cell_v2 create_cell --name cell2 --database_connection mysql+pymysql://nova:SECRET@db2/nova '
        '--transport-url rabbit://nova:SECRET@rabbit2:5672/',
    ),
    Command('list_cells', 'List the cells.', list_cells, (_VERBOSE,)),
    Command(
        'update_cell',
        'Change a cell; URLs that are not given are taken from the configuration.',
        update_cell,
        (
            _CELL,
            _NAME,
            _TRANSPORT,
            _CONNECTION,
            Argument('--disable', action='store_true', help='Send no more servers to the cell.'),
            Argument('--enable', action='store_true', help='Send servers to the cell again.'),
        ),
        'cell_v2 update_cell --cell_uuid UUID --disable',
    ),
    Command(
        'delete_cell',
        'Remove the mapping of a cell that has no servers.',
        delete_cell,
        (_CELL, Argument('--force', action='store_true', help='Also if hosts or deleted servers are mapped to it.')),
    ),
    *HOST_COMMANDS,
    Command(
        'verify_instance',
        'Tell whether a server is mapped to a cell.',
        verify_instance,
        (
            Argument('--uuid', metavar='UUID', required=True, help='The server.'),
            Argument('--quiet', action='store_true', help='Only set the exit code.'),
        ),
    ),
)
