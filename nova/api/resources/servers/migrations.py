"""Show the live migrations of a server that are under way."""

import re
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import shown_moment
from nova.api.request import Request
from nova.api.resources.servers.find import find, find_placed
from nova.api.routes import route
from nova.db.stores import migrations
from nova.domain.migration import LIVE, LIVE_IN_PROGRESS, Migration

INDEX = policy.project_manager('os_compute_api:servers:migrations:index', "Lists a server's live migrations.")
WITH_HOSTS = policy.admin(
    'os_compute_api:servers:migrations:index:host', "Shows the hosts in the list of a server's live migrations."
)
SHOW = policy.admin('os_compute_api:servers:migrations:show', "Shows one of a server's live migrations.")

_HOSTS = ('source_compute', 'source_node', 'dest_compute', 'dest_node', 'dest_host')
# Bounded as the database's integers are.
_NUMBER = re.compile(r'[0-9]{1,9}')


@route(
    'GET',
    '/servers/{server_id}/migrations',
    policy=INDEX,
    since='2.23',
    samples=tuple(f'server-migrations/v2.{n}/migrations-index.json' for n in (23, 59, 80)),
)
def index(request: Request, server_id: str) -> dict[str, Any]:
    server = find(request, server_id, INDEX)
    if server.cell_id is None:
        return {'migrations': []}
    with request.databases.cell(server.cell_id).reading() as tx:
        found = migrations.of_server(tx, server_id, kinds=(LIVE,), statuses=LIVE_IN_PROGRESS)
    with_hosts = request.may(WITH_HOSTS)
    return {'migrations': [view(request, migration, with_hosts) for migration in found]}


@route(
    'GET',
    '/servers/{server_id}/migrations/{migration_id}',
    policy=SHOW,
    since='2.23',
    samples=tuple(f'server-migrations/v2.{n}/migrations-get.json' for n in (23, 59, 80)),
)
def show(request: Request, server_id: str, migration_id: str) -> dict[str, Any]:
    server = find_placed(request, server_id, SHOW)
    if not _NUMBER.fullmatch(migration_id):
        raise errors.NotFound(f'Migration {migration_id[:64]} could not be found.')
    with request.databases.cell(server.cell_id).reading() as tx:
        migration = migrations.get(tx, server_id, int(migration_id))
    if migration.kind != LIVE:
        raise errors.NotFound(f'Migration {migration_id} for server {server_id} is not live-migration.')
    if not migration.in_progress:
        raise errors.NotFound(f'Live migration {migration_id} for server {server_id} is not in progress.')
    return {'migration': view(request, migration)}


def view(request: Request, migration: Migration, with_hosts: bool = True) -> dict[str, Any]:
    """A live migration, and what it has copied. Who may not see hosts sees that there are such fields."""
    shown: dict[str, Any] = {name: getattr(migration, name) if with_hosts else None for name in _HOSTS}
    for kind in ('memory', 'disk'):
        for part in ('total', 'processed', 'remaining'):
            shown[f'{kind}_{part}_bytes'] = getattr(migration, f'{kind}_{part}')
    shown |= {
        'id': migration.number,
        'server_uuid': migration.server_id,
        'status': migration.status,
        'created_at': shown_moment(migration.created_at),
        'updated_at': shown_moment(migration.updated_at),
    }
    if request.version >= (2, 59):
        shown['uuid'] = migration.id
    if request.version >= (2, 80):
        shown |= {'user_id': migration.user_id, 'project_id': migration.project_id}
    return shown
