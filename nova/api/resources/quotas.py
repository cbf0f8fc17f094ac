"""Quotas: the limits of projects, of users in them, and the defaults for all."""

from typing import Any

from nova import errors
from nova.api import policy, quota
from nova.api.microversions import Version
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import BOOLEAN, QUERY_TEXT, Body, Field, Query, integer, truth, whole
from nova.db.stores import quotas

SHOW = policy.project_reader('os_compute_api:os-quota-sets:show', "Show a project's limits.")
DETAIL = policy.project_reader('os_compute_api:os-quota-sets:detail', "Show a project's limits and what it uses.")
DEFAULTS = policy.any_authenticated(
    'os_compute_api:os-quota-sets:defaults', 'Show the limits that projects begin with.'
)
UPDATE = policy.admin('os_compute_api:os-quota-sets:update', "Change a project's limits.")
DELETE = policy.admin('os_compute_api:os-quota-sets:delete', 'Give a project the default limits again.')
SHOW_CLASS = policy.admin('os_compute_api:os-quota-class-sets:show', 'Show the default limits.')
UPDATE_CLASS = policy.admin('os_compute_api:os-quota-class-sets:update', 'Change the default limits.')

# The limit, the last version of quota sets that has it, and the versions of quota class sets that have it.
_KINDS = (
    ('instances', None, '2.1', None),
    ('cores', None, '2.1', None),
    ('ram', None, '2.1', None),
    ('metadata_items', None, '2.1', None),
    ('key_pairs', None, '2.1', None),
    ('server_groups', None, '2.50', None),
    ('server_group_members', None, '2.50', None),
    ('injected_files', '2.56', '2.1', '2.56'),
    ('injected_file_content_bytes', '2.56', '2.1', '2.56'),
    ('injected_file_path_bytes', '2.56', '2.1', '2.56'),
    ('fixed_ips', '2.35', '2.1', '2.49'),
    ('floating_ips', '2.35', '2.1', '2.49'),
    ('security_groups', '2.35', '2.1', '2.49'),
    ('security_group_rules', '2.35', '2.1', '2.49'),
    ('networks', '2.35', '2.1', '2.49'),
)
# Limits of the network service, which we accept and never enforce; `networks` is accepted but was never shown.
_NETWORKS = frozenset({'fixed_ips', 'floating_ips', 'security_groups', 'security_group_rules', 'networks'})
_HIDDEN = frozenset({'networks'})
_LIMIT = integer(-1)

QUOTA_SET = Body(
    'quota_set',
    *(Field(name, _LIMIT, until=until) for name, until, _since, _until in _KINDS),
    Field('force', BOOLEAN),
)
CLASS_SET = Body(
    'quota_class_set', *(Field(name, _LIMIT, since=since, until=until) for name, _, since, until in _KINDS)
)
OF_USER = Query(Field('user_id', QUERY_TEXT | {'maxLength': 255}, many=True))


@route(
    'GET',
    '/os-quota-sets/{project_id}',
    policy=None,
    query=OF_USER,
    samples=(
        'os-quota-sets/user-quotas-show-get-resp.json',
        'os-quota-sets/v2.36/user-quotas-show-get-resp.json',
        'os-quota-sets/v2.57/user-quotas-show-get-resp.json',
    ),
)
def show(request: Request, project_id: str) -> dict[str, Any]:
    request.require(SHOW, project_id=project_id)
    _refuse_unknown(request, project_id)
    return {'quota_set': {'id': project_id, **_shown(request.version, _limits(request, project_id))}}


@route(
    'GET',
    '/os-quota-sets/{project_id}/detail',
    policy=None,
    query=OF_USER,
    samples=(
        'os-quota-sets/quotas-show-detail-get-resp.json',
        'os-quota-sets/v2.36/quotas-show-detail-get-resp.json',
        'os-quota-sets/v2.57/quotas-show-detail-get-resp.json',
    ),
)
def detail(request: Request, project_id: str) -> dict[str, Any]:
    request.require(DETAIL, project_id=project_id)
    _refuse_unknown(request, project_id)
    shown = _shown(request.version, _limits(request, project_id))
    if quota.off(request.settings):
        sets = {name: {'limit': limit, 'in_use': -1, 'reserved': -1} for name, limit in shown.items()}
    else:
        used = quota.in_use(request, project_id, request.params.get('user_id'))
        sets = {name: {'limit': limit, 'in_use': used.get(name, 0), 'reserved': 0} for name, limit in shown.items()}
    return {'quota_set': {'id': project_id, **sets}}


@route(
    'GET',
    '/os-quota-sets/{project_id}/defaults',
    policy=DEFAULTS,
    samples=(
        'os-quota-sets/quotas-show-defaults-get-resp.json',
        'os-quota-sets/v2.36/quotas-show-defaults-get-resp.json',
        'os-quota-sets/v2.57/quotas-show-defaults-get-resp.json',
    ),
)
def defaults(request: Request, project_id: str) -> dict[str, Any]:
    _refuse_unknown(request, project_id)
    return {'quota_set': {'id': project_id, **_shown(request.version, _defaults(request))}}


@route(
    'PUT',
    '/os-quota-sets/{project_id}',
    policy=UPDATE,
    query=OF_USER,
    body=QUOTA_SET,
    samples=(
        'os-quota-sets/quotas-update-post-resp.json',
        'os-quota-sets/v2.36/quotas-update-post-resp.json',
        'os-quota-sets/v2.57/quotas-update-post-resp.json',
    ),
)
def update(request: Request, project_id: str) -> dict[str, Any]:
    user_id = request.params.get('user_id')
    _refuse_unknown(request, project_id)
    wanted = _wanted(request.body)
    if user_id:
        _refuse_more_than_project(request, project_id, wanted)
    if not truth(request.body.get('force')) and not quota.off(request.settings):
        _refuse_less_than_used(request, project_id, wanted)
    if user_id:
        request.databases.api.write(lambda tx: quotas.set_user_limits(tx, project_id, user_id, wanted))
    else:
        request.databases.api.write(lambda tx: quotas.set_project_limits(tx, project_id, wanted))
    return {'quota_set': _shown(request.version, _limits(request, project_id))}


@route('DELETE', '/os-quota-sets/{project_id}', policy=DELETE, query=OF_USER, status=202)
def delete(request: Request, project_id: str) -> None:
    with request.databases.api.writing() as tx:
        if user_id := request.params.get('user_id'):
            quotas.remove_user_limits(tx, project_id, user_id)
        else:
            quotas.remove_project_limits(tx, project_id)


@route(
    'GET',
    '/os-quota-class-sets/{name}',
    policy=SHOW_CLASS,
    samples=(
        'os-quota-class-sets/quota-classes-show-get-resp.json',
        'os-quota-class-sets/v2.50/quota-classes-show-get-resp.json',
        'os-quota-class-sets/v2.57/quota-classes-show-get-resp.json',
    ),
)
def show_class(request: Request, name: str) -> dict[str, Any]:
    return {'quota_class_set': {'id': name, **_shown_class(request.version, _class(request, name))}}


@route(
    'PUT',
    '/os-quota-class-sets/{name}',
    policy=UPDATE_CLASS,
    body=CLASS_SET,
    samples=(
        'os-quota-class-sets/quota-classes-update-post-resp.json',
        'os-quota-class-sets/v2.50/quota-classes-update-post-resp.json',
        'os-quota-class-sets/v2.57/quota-classes-update-post-resp.json',
    ),
)
def update_class(request: Request, name: str) -> dict[str, Any]:
    if not 1 <= len(name) <= 255:
        raise errors.Invalid('The name of a quota class has 1 to 255 characters.')
    request.databases.api.write(lambda tx: quotas.set_class_limits(tx, name, _wanted(request.body)))
    return {'quota_class_set': _shown_class(request.version, _class(request, name))}


def _refuse_unknown(request: Request, project_id: str) -> None:
    """Refuse a project that there is not, which may be misspelt. The caller's own there surely is."""
    identity = request.services.identity
    if project_id == request.context.project_id:
        return
    if len(project_id) > 255 or (identity and not identity.project_exists(request.context, project_id)):
        raise errors.Invalid(f'Project ID {project_id[:64]} is not a valid project.')


def _limits(request: Request, project_id: str) -> dict[str, int]:
    with request.databases.api.reading() as tx:
        return quota.limits(tx, request.settings, project_id, request.params.get('user_id'))


def _defaults(request: Request) -> dict[str, int]:
    with request.databases.api.reading() as tx:
        return quota.defaults(tx, request.settings)


def _class(request: Request, name: str) -> dict[str, int]:
    with request.databases.api.reading() as tx:
        return {**request.settings.quotas, **quotas.class_limits(tx, name)}


def _shown(version: Version, limits: dict[str, int]) -> dict[str, int]:
    return {
        name: limits.get(name, quota.UNLIMITED)
        for name, until, _, _ in _KINDS
        if name not in _HIDDEN and (until is None or version <= Version.parse(until))
    }


def _shown_class(version: Version, limits: dict[str, int]) -> dict[str, int]:
    return {
        name: limits.get(name, quota.UNLIMITED)
        for name, _, since, until in _KINDS
        if name not in _HIDDEN
        and version >= Version.parse(since)
        and (until is None or version <= Version.parse(until))
    }


def _wanted(body: dict[str, Any]) -> dict[str, int]:
    return {
        name: whole(value, name, least=-1) for name, value in body.items() if name != 'force' and name not in _NETWORKS
    }


def _refuse_more_than_project(request: Request, project_id: str, wanted: dict[str, int]) -> None:
    with request.databases.api.reading() as tx:
        most = quota.limits(tx, request.settings, project_id)
    for name, limit in wanted.items():
        if most[name] != quota.UNLIMITED and (limit > most[name] or limit == quota.UNLIMITED):
            raise errors.Invalid(f'Quota limit {limit} for {name} must be less than or equal to {most[name]}.')


def _refuse_less_than_used(request: Request, project_id: str, wanted: dict[str, int]) -> None:
    used = quota.in_use(request, project_id, request.params.get('user_id'))
    for name, limit in wanted.items():
        if 0 <= limit < used.get(name, 0):
            raise errors.Invalid(
                f'Quota limit {limit} for {name} must be greater than or equal to already used and reserved {used[name]}.'
            )
