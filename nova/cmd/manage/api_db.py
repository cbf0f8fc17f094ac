"""nova-manage api_db: the tables of the API database."""

import argparse

from nova.cmd.manage.arguments import Argument, Command
from nova.cmd.manage.db import refuse_old_version
from nova.cmd.manage.installation import Installation
from nova.db import migrations


def sync(installation: Installation, arguments: argparse.Namespace) -> int:
    refuse_old_version(arguments.version)
    migrations.upgrade(installation.api, 'api', arguments.version or 'head')
    return 0


def version(installation: Installation, arguments: argparse.Namespace) -> int:
    print(migrations.version(installation.api, 'api'))
    return 0


COMMANDS = (
    Command(
        'sync',
        'Bring the tables of the API database to a version, the newest by default.',
        sync,
        (Argument('version', metavar='VERSION', nargs='?', help='The revision to stop at.'),),
    ),
    Command('version', 'Print the version of the tables of the API database.', version),
)
