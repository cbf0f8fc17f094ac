"""Migrations: servers that move, or have moved, in all cells."""

import datetime
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import gather, shown_moment
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import QUERY_NUMBER, QUERY_TEXT, UUID, Field, Query, parse_time, truth
from nova.db.stores import flavors, migrations
from nova.domain.migration import Migration, MigrationQuery

INDEX = policy.project_manager('os_compute_api:os-migrations:index', "List the migrations of a project's servers.")
OF_ALL_PROJECTS = policy.admin(
    'os_compute_api:os-migrations:index:all_projects', "List the migrations of every project's servers."
)
WITH_HOSTS = policy.admin(
    'os_compute_api:os-migrations:index:host', 'See the hosts in a list of migrations, and filter by them.'
)

_MOMENT = {'type': 'string', 'format': 'date-time'}
FILTERS = Query(
    *(
        Field(name, QUERY_TEXT, many=True)
        for name in ('hidden', 'host', 'instance_uuid', 'source_compute', 'status', 'migration_type')
    ),
    Field('limit', QUERY_NUMBER, since='2.59', many=True),
    Field('marker', UUID, since='2.59', many=True),
    Field('changes-since', _MOMENT, since='2.59'),
    Field('changes-before', _MOMENT, since='2.66'),
    Field('user_id', QUERY_TEXT, since='2.80', many=True),
    Field('project_id', QUERY_TEXT, since='2.80', many=True),
    loose_until='2.58',
)


@route(
    'GET',
    '/os-migrations',
    policy=INDEX,
    query=FILTERS,
    samples=(
        'os-migrations/migrations-get.json',
        'os-migrations/v2.23/migrations-get.json',
        'os-migrations/v2.59/migrations-get.json',
        'os-migrations/v2.66/migrations-get.json',
        'os-migrations/v2.80/migrations-get.json',
    ),
)
def listing(request: Request) -> dict[str, Any]:
    query = _query(request)
    found = gather(request, lambda tx, _cell: migrations.listing(tx, query)).items
    page = sorted(found, key=lambda migration: migration.position, reverse=True)[: query.limit]
    numbers = _flavor_numbers(request, page)
    answer: dict[str, Any] = {'migrations': [view(request, migration, numbers) for migration in page]}
    if page and request.version >= (2, 59) and (links := request.next_link(page, page[-1].id, 'os-migrations')):
        answer['migrations_links'] = links
    return answer


def view(request: Request, migration: Migration, flavor_numbers: dict[str, int]) -> dict[str, Any]:
    """A migration in a list. Who may not see hosts sees that there are such fields."""
    with_hosts = request.may(WITH_HOSTS)
    hosts = ('source_compute', 'source_node', 'dest_compute', 'dest_node', 'dest_host')
    shown: dict[str, Any] = {name: getattr(migration, name) if with_hosts else None for name in hosts} | {
        'id': migration.number,
        'instance_uuid': migration.server_id,
        'status': migration.status,
        'old_instance_type_id': flavor_numbers.get(migration.old_flavor_id or ''),
        'new_instance_type_id': flavor_numbers.get(migration.new_flavor_id or ''),
        'created_at': shown_moment(migration.created_at),
        'updated_at': shown_moment(migration.updated_at),
    }
    if request.version >= (2, 23):
        shown['migration_type'] = migration.kind
        if migration.in_progress:
            shown['links'] = request.links('servers', migration.server_id, 'migrations', str(migration.number))
    if request.version >= (2, 59):
        shown['uuid'] = migration.id
    if request.version >= (2, 80):
        shown |= {'user_id': migration.user_id, 'project_id': migration.project_id}
    return shown


def _query(request: Request) -> MigrationQuery:
    params = request.params
    since, before = _moment(params.get('changes-since')), _moment(params.get('changes-before'))
    if since and before and since > before:
        raise errors.Invalid('The value of changes-since must be less than or equal to changes-before.')
    if 'host' in params or 'source_compute' in params:
        request.require(WITH_HOSTS)
    limit, marker = request.page() if request.version >= (2, 59) else (None, None)
    return MigrationQuery(
        server_id=params.get('instance_uuid'),
        kind=params.get('migration_type'),
        status=params.get('status'),
        source_compute=params.get('source_compute'),
        host=params.get('host'),
        hidden=truth(params['hidden']) if 'hidden' in params else None,
        user_id=params.get('user_id'),
        project_id=_project(request),
        changes_since=since,
        changes_before=before,
        limit=limit,
        marker=_position(request, marker) if marker is not None else None,
    )


def _project(request: Request) -> str | None:
    """The project asked for; who may not list those of all projects lists their own."""
    wanted, own = request.params.get('project_id'), request.context.project_id
    if request.may(OF_ALL_PROJECTS):
        return wanted
    if wanted is not None and wanted != own:
        request.require(OF_ALL_PROJECTS)
    return own


def _moment(text: str | None) -> datetime.datetime | None:
    return parse_time(text) if text is not None else None


def _position(request: Request, marker: str) -> tuple[Any, ...]:
    found = gather(request, lambda tx, _cell: [migration for migration in [migrations.find(tx, marker)] if migration])
    if not found.items:
        raise errors.Invalid(f'Marker {marker} could not be found.')
    return found.items[0].position


def _flavor_numbers(request: Request, page: list[Migration]) -> dict[str, int]:
    ids = {ident for migration in page for ident in (migration.old_flavor_id, migration.new_flavor_id) if ident}
    with request.databases.api.reading() as tx:
        return flavors.numbers(tx, ids)
