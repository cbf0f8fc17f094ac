"""The commands of nova-manage cell_v2 that are about hosts."""

import argparse
import sys
from collections.abc import Iterable

from nova import errors
from nova.cmd.manage.arguments import Argument, Command
from nova.cmd.manage.installation import Installation
from nova.cmd.manage.table import show
from nova.db.stores import cells, host_mappings, hosts, servers
from nova.domain.cell import Cell


def discover(installation: Installation, asked: Iterable[Cell], verbose: bool = False) -> int:
    """Map the hosts that have reported to these cells; how many were new. Raises Conflict for one in two cells."""
    total = 0
    for cell in asked:
        names = installation.databases.cell(cell.id).read(hosts.names)
        new = installation.api.write(lambda tx, cell=cell, names=names: host_mappings.add(tx, cell.id, names))
        total += len(new)
        if verbose:
            print(f'Found {len(new)} unmapped computes in cell: {cell.id}')
            for name in new:
                print(f"Creating host mapping for compute host '{name}': {cell.id}")
    return total


def discover_hosts(installation: Installation, arguments: argparse.Namespace) -> int:
    with installation.api.reading() as tx:
        asked = [cells.get(tx, arguments.cell_uuid)] if arguments.cell_uuid else cells.listing(tx)
    asked = [cell for cell in asked if not cell.is_cell0]
    if arguments.verbose:
        print(f'Found {len(asked)} cell mappings.')
    try:
        new = discover(installation, asked, arguments.verbose)
    except errors.Conflict as failure:
        print(f'ERROR: Duplicate host mapping was encountered. {failure}', file=sys.stderr)
        return 2
    return 1 if arguments.strict and not new else 0


def list_hosts(installation: Installation, arguments: argparse.Namespace) -> int:
    with installation.api.reading() as tx:
        if arguments.cell_uuid:
            cells.get(tx, arguments.cell_uuid)
        known = {cell.id: cell for cell in cells.listing(tx)}
        found = host_mappings.listing(tx, arguments.cell_uuid)
    show(('Cell Name', 'Cell UUID', 'Hostname'), [(known[cell_id].name, cell_id, host) for host, cell_id in found])
    return 0


def delete_host(installation: Installation, arguments: argparse.Namespace) -> int:
    host = arguments.host
    with installation.api.reading() as tx:
        cell = cells.get(tx, arguments.cell_uuid)
        cell_id = host_mappings.find(tx, host)
    if cell_id is None:
        print(f'The host {host} was not found.')
        return 2
    if cell_id != cell.id:
        print(f'The host {host} was not found in the cell {cell.id}.')
        return 3
    with installation.databases.cell(cell.id).writing() as tx:
        if servers.on_host(tx, host):
            print(f'There are instances on the host {host}.')
            return 4
        hosts.remove(tx, host)
    with installation.api.writing() as tx:
        host_mappings.remove(tx, host)
    return 0


_ONE_CELL = Argument('--cell_uuid', '--cell-uuid', metavar='UUID', help='Only this cell.')
_CELL = Argument('--cell_uuid', '--cell-uuid', metavar='UUID', required=True, help='The cell.')

HOST_COMMANDS = (
    Command(
        'discover_hosts',
        'Map the hosts that have reported to the cells since the last time.',
        discover_hosts,
        (
            _ONE_CELL,
            Argument('--verbose', action='store_true', help='Say what is found.'),
            Argument('--strict', action='store_true', help='Fail if there is no new host.'),
            Argument(
                '--by-service',
                action='store_true',
                help='Taken for old scripts; hosts are always found by what they report.',
            ),
        ),
    ),
    Command('list_hosts', 'List the hosts and their cells.', list_hosts, (_ONE_CELL,)),
    Command(
        'delete_host',
        'Forget a host that has no servers.',
        delete_host,
        (_CELL, Argument('--host', metavar='HOST', required=True, help='The host.')),
    ),
)
