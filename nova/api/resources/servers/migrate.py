"""Move a server to another host, while it runs or not."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import targets
from nova.api.resources.servers.find import find
from nova.api.resources.servers.verbs import ACTION, admit, not_built, nothing
from nova.api.routes import route
from nova.api.schema import BOOLEAN, HOST_NAME, Body, Field, truth
from nova.domain.lifecycle import Activity
from nova.domain.server import Server

MIGRATE = policy.project_manager('os_compute_api:os-migrate-server:migrate', 'Moves a server to another host.')
MIGRATE_TO = policy.admin('os_compute_api:os-migrate-server:migrate:host', 'Moves a server to a chosen host.')
LIVE = policy.project_manager('os_compute_api:os-migrate-server:migrate_live', 'Moves a server while it runs.')
LIVE_TO = policy.admin(
    'os_compute_api:os-migrate-server:migrate_live:host', 'Moves a server to a chosen host while it runs.'
)
ABORT = policy.project_manager('os_compute_api:servers:migrations:delete', 'Aborts a live migration.')
FORCE_COMPLETE = policy.project_manager(
    'os_compute_api:servers:migrations:force_complete', 'Lets a live migration end though the server must be held.'
)

_HOST: dict[str, Any] = {**HOST_NAME, 'type': ['string', 'null']}
_BLOCK_MIGRATION = {'anyOf': [BOOLEAN, {'type': 'string', 'enum': ['auto']}]}
TO_HOST = Body(
    'migrate',
    inner={'type': ['object', 'null'], 'properties': {'host': _HOST}, 'additionalProperties': False},
)
LIVE_BODY = Body(
    'os-migrateLive',
    Field('host', _HOST, required=True),
    Field('block_migration', BOOLEAN, until='2.24', required=True),
    Field('disk_over_commit', BOOLEAN, until='2.24', required=True),
    Field('block_migration', _BLOCK_MIGRATION, since='2.25', required=True),
    Field('force', BOOLEAN, since='2.30', until='2.67'),
)


@route('POST', ACTION, action='migrate', policy=MIGRATE, body=nothing('migrate'), status=202, until='2.55')
@route('POST', ACTION, action='migrate', policy=MIGRATE, body=TO_HOST, status=202, since='2.56')
def migrate(request: Request, server_id: str) -> None:
    """As a resize to the same flavor: it waits to be confirmed."""
    host = (request.body or {}).get('host')
    if host:
        request.require(MIGRATE_TO)
    server = admit(request, server_id, MIGRATE, 'migrate')
    if host and host == server.host:
        raise errors.Invalid("The target host can't be the same one.")
    targets.refuse_unknown_host(request, host)
    not_built('Migrating a server')


@route('POST', ACTION, action='os-migrateLive', policy=LIVE, body=LIVE_BODY, status=202)
def migrate_live(request: Request, server_id: str) -> None:
    host = request.body['host']
    if host:
        request.require(LIVE_TO)
    elif truth(request.body.get('force')):
        raise errors.Invalid("Can't force to a non-provided destination")
    server = admit(request, server_id, LIVE, 'live_migrate')
    if host and host == server.host:
        raise errors.Invalid(f'Unable to migrate instance ({server.id}) to current host ({host}).')
    targets.refuse_unknown_host(request, host)
    not_built('Migrating a server while it runs')


@route('DELETE', '/servers/{server_id}/migrations/{migration_id}', policy=ABORT, status=202, since='2.24')
def abort(request: Request, server_id: str, migration_id: str) -> None:
    _migrating(request, server_id, ABORT, 'abort live migration')
    not_built('Aborting a live migration')


@route(
    'POST',
    '/servers/{server_id}/migrations/{migration_id}/action',
    action='force_complete',
    policy=FORCE_COMPLETE,
    body=nothing('force_complete'),
    status=202,
    since='2.22',
)
def force_complete(request: Request, server_id: str, migration_id: str) -> None:
    _migrating(request, server_id, FORCE_COMPLETE, 'force_complete')
    not_built('Forcing a live migration to its end')


def _migrating(request: Request, server_id: str, rule: policy.Rule, action: str) -> Server:
    """The server, which is being moved while it runs."""
    server = find(request, server_id, rule)
    if server.locked and not request.context.is_admin:
        raise errors.Conflict(f'Instance {server.id} is locked')
    if server.activity is not Activity.MIGRATING:
        doing = server.activity.value if server.activity else None
        raise errors.Conflict(f"Cannot '{action}' instance {server.id} while it is in task_state {doing}")
    return server
