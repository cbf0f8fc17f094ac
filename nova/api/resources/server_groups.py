"""Server groups: servers that are kept together on one host, or apart on several."""

from typing import Any

from nova import errors
from nova.api import policy, quota
from nova.api.request import Answer, Request
from nova.api.routes import route
from nova.api.schema import NAME, QUERY_NUMBER, QUERY_TEXT, Body, Field, Query, integer, whole
from nova.db.stores import quotas, server_groups
from nova.db.stores.server_groups import ServerGroup
from nova.domain.notifications import payloads
from nova.domain.request import AFFINITY, ANTI_AFFINITY, SOFT_AFFINITY, SOFT_ANTI_AFFINITY

INDEX = policy.project_reader('os_compute_api:os-server-groups:index', "List a project's server groups.")
ALL_PROJECTS = policy.admin('os_compute_api:os-server-groups:index:all_projects', "List all projects' server groups.")
SHOW = policy.project_reader('os_compute_api:os-server-groups:show', 'Show a server group.')
CREATE = policy.project_member('os_compute_api:os-server-groups:create', 'Create a server group.')
DELETE = policy.project_member('os_compute_api:os-server-groups:delete', 'Delete a server group.')

_STRICT = [ANTI_AFFINITY, AFFINITY]
_ALL = [*_STRICT, SOFT_ANTI_AFFINITY, SOFT_AFFINITY]
_RULES = {'type': 'object', 'properties': {'max_server_per_host': integer(1)}, 'additionalProperties': False}
# The quota that counts groups.
_QUOTA = 'server_groups'


def _one_of(policies: list[str]) -> dict[str, Any]:
    return {'type': 'array', 'items': {'type': 'string', 'enum': policies}, 'minItems': 1, 'maxItems': 1}


GROUP = Body(
    'server_group',
    Field('name', NAME, required=True),
    Field('policies', _one_of(_STRICT), until='2.14', required=True),
    Field('policies', _one_of(_ALL), since='2.15', until='2.63', required=True),
    Field('policy', {'type': 'string', 'enum': _ALL}, since='2.64', required=True),
    Field('rules', _RULES, since='2.64'),
)
LIST = Query(
    Field('all_projects', QUERY_TEXT, many=True),
    Field('limit', QUERY_NUMBER, many=True),
    Field('offset', QUERY_NUMBER, many=True),
)


@route(
    'GET',
    '/os-server-groups',
    policy=INDEX,
    query=LIST,
    samples=(
        'os-server-groups/server-groups-list-resp.json',
        'os-server-groups/v2.13/server-groups-list-resp.json',
        'os-server-groups/v2.64/server-groups-list-resp.json',
    ),
)
def listing(request: Request) -> dict[str, Any]:
    project_id: str | None = request.context.project_id
    if 'all_projects' in request.params:
        request.require(ALL_PROJECTS)
        project_id = None
    limit, _marker = request.page()
    offset = whole(request.params.get('offset', 0), 'offset')
    with request.databases.api.reading() as tx:
        found = server_groups.listing(tx, project_id, limit, offset)
    return {'server_groups': [view(request, group) for group in found]}


@route(
    'POST',
    '/os-server-groups',
    policy=CREATE,
    body=GROUP,
    repeatable=True,
    samples=(
        'os-server-groups/server-groups-post-resp.json',
        'os-server-groups/v2.13/server-groups-post-resp.json',
        'os-server-groups/v2.64/server-groups-post-resp.json',
    ),
)
def create(request: Request) -> Answer:
    asked, context = request.body, request.context
    if context.project_id is None:
        raise errors.Forbidden('Server groups belong to projects, and this token names none.')
    wanted = asked['policy'] if 'policy' in asked else asked['policies'][0]
    rules = {name: whole(value, name, 1) for name, value in asked.get('rules', {}).items()}
    if rules and wanted != ANTI_AFFINITY:
        raise errors.Invalid('Only anti-affinity policy supports rules.')

    def record(tx: Any) -> tuple[ServerGroup, Answer]:
        _refuse_too_many(tx, request)
        made = server_groups.create(tx, asked['name'], context.project_id, context.user_id, wanted, rules)
        answer = Answer({'server_group': view(request, made)})
        request.keep(tx, answer)
        return made, answer

    made, answer = request.databases.api.write(record)
    request.tell('server_group.create', payloads.server_group, made)
    return answer


@route(
    'GET',
    '/os-server-groups/{group_id}',
    policy=SHOW,
    samples=(
        'os-server-groups/server-groups-get-resp.json',
        'os-server-groups/v2.13/server-groups-get-resp.json',
        'os-server-groups/v2.64/server-groups-get-resp.json',
    ),
)
def show(request: Request, group_id: str) -> dict[str, Any]:
    with request.databases.api.reading() as tx:
        found = server_groups.get(tx, group_id)
    request.require(SHOW, project_id=found.project_id)
    return {'server_group': view(request, found)}


@route('DELETE', '/os-server-groups/{group_id}', policy=DELETE, status=204)
def delete(request: Request, group_id: str) -> None:
    with request.databases.api.writing() as tx:
        known = server_groups.get(tx, group_id)
        request.require(DELETE, project_id=known.project_id)
        server_groups.remove(tx, group_id)
    request.tell('server_group.delete', payloads.server_group, known)


def view(request: Request, group: ServerGroup) -> dict[str, Any]:
    """A group as the API shows it: its owner since 2.13; one policy with rules, not a list of policies, since 2.64."""
    shown: dict[str, Any] = {'id': group.id, 'name': group.name, 'members': list(group.members)}
    if request.version >= (2, 64):
        shown |= {'policy': group.policy, 'rules': group.rules}
    else:
        shown |= {'policies': [group.policy], 'metadata': {}}
    if request.version >= (2, 13):
        shown |= {'project_id': group.project_id, 'user_id': group.user_id}
    return shown


def _refuse_too_many(tx: Any, request: Request) -> None:
    """Raise OverQuota unless the project, and the user in it, may have one more group."""
    context = request.context
    for user_id in (None, context.user_id):
        allowed = quota.limits(tx, request.settings, context.project_id, user_id)[_QUOTA]
        if allowed == quota.UNLIMITED:
            continue
        quotas.take_turn(tx, context.project_id)
        if server_groups.count(tx, context.project_id, user_id) >= allowed:
            raise errors.OverQuota('Quota exceeded, too many server groups.')
