"""nova-manage db: the tables of the cells' databases."""

import argparse
import sys

from nova import errors
from nova.cmd.manage.arguments import Argument, Command
from nova.cmd.manage.installation import Installation
from nova.db import migrations
from nova.db.database import Database
from nova.db.stores import cells
from nova.domain.cell import CELL0_ID


def refuse_old_version(version: str | None) -> None:
    if version is not None and version.isdigit():
        raise errors.Invalid(
            f'{version} is a version of the time before alembic; give a revision as `version` prints it, or none for the newest.'
        )


def sync(installation: Installation, arguments: argparse.Namespace) -> int:
    refuse_old_version(arguments.version)
    version = arguments.version or 'head'
    if arguments.database_connection:
        migrations.upgrade(Database(arguments.database_connection), 'cell', version)
        return 0
    code = 0 if arguments.local_cell else _sync_cell0(installation, version)
    migrations.upgrade(installation.main, 'cell', version)
    return code


def version(installation: Installation, arguments: argparse.Namespace) -> int:
    print(migrations.version(installation.main, 'cell'))
    return 0


def _sync_cell0(installation: Installation, version: str) -> int:
    try:
        if installation.api.read(lambda tx: cells.find(tx, CELL0_ID)) is not None:
            migrations.upgrade(installation.databases.cell0, 'cell', version)
        return 0
    except errors.ServiceDown as failure:
        print(
            f'ERROR: Could not access cell0. Does its database exist? Has "nova-manage api_db sync" been run? '
            f'Has "nova-manage cell_v2 map_cell0" been run? Is [api_database]/connection set? {failure}',
            file=sys.stderr,
        )
        return 1


COMMANDS = (
    Command(
        'sync',
        'Bring the tables of the main database, and of cell0 if it is mapped, to a version, the newest by default.',
        sync,
        (
            Argument('--local_cell', action='store_true', help='Leave cell0 alone.'),
            Argument('--database_connection', metavar='URL', help='Only the database at this URL.'),
            Argument('version', metavar='VERSION', nargs='?', help='The revision to stop at.'),
        ),
        'db sync --database_connection mysql+pymysql://nova:SECRET@db2/nova',
    ),
    Command('version', 'Print the version of the tables of the main database.', version),
)
