"""Which projects may use a private flavor."""

from typing import Any

from nova import errors
from nova.api import policy, tell
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import Body, Field
from nova.db.stores import flavors

LIST = policy.admin('os_compute_api:os-flavor-access', 'List the projects that may use a private flavor.')
ADD = policy.admin('os_compute_api:os-flavor-access:add_tenant_access', 'Let a project use a private flavor.')
REMOVE = policy.admin('os_compute_api:os-flavor-access:remove_tenant_access', 'Take a private flavor from a project.')

# Any name, as it always was: projects may come from anywhere.
_PROJECT = {'type': 'string', 'minLength': 1, 'maxLength': 255}
GIVE = Body('addTenantAccess', Field('tenant', _PROJECT, required=True))
TAKE = Body('removeTenantAccess', Field('tenant', _PROJECT, required=True))


@route(
    'GET',
    '/flavors/{flavor_id}/os-flavor-access',
    policy=LIST,
    samples=('flavor-access/flavor-access-list-resp.json',),
)
def listing(request: Request, flavor_id: str) -> dict[str, Any]:
    with request.databases.api.reading() as tx:
        if flavors.get(tx, flavor_id).is_public:
            raise errors.NotFound('Access list not available for public flavors.')
        return _view(tx, flavor_id)


@route(
    'POST',
    '/flavors/{flavor_id}/action',
    action='addTenantAccess',
    policy=ADD,
    body=GIVE,
    samples=('flavor-access/flavor-access-add-tenant-resp.json',),
)
def add(request: Request, flavor_id: str) -> dict[str, Any]:
    project_id = _project(request)
    with request.databases.api.writing() as tx:
        if flavors.get(tx, flavor_id).is_public and request.version >= (2, 7):
            raise errors.Conflict('Can not add access to a public flavor.')
        flavors.grant(tx, flavor_id, project_id)
        answer = _view(tx, flavor_id)
    request.services.flavors.drop()
    tell.flavor_changed(request, flavor_id)
    return answer


@route(
    'POST',
    '/flavors/{flavor_id}/action',
    action='removeTenantAccess',
    policy=REMOVE,
    body=TAKE,
    samples=('flavor-access/flavor-access-remove-tenant-resp.json',),
)
def remove(request: Request, flavor_id: str) -> dict[str, Any]:
    project_id = _project(request)
    with request.databases.api.writing() as tx:
        flavors.revoke(tx, flavor_id, project_id)
        answer = _view(tx, flavor_id)
    request.services.flavors.drop()
    tell.flavor_changed(request, flavor_id)
    return answer


def _project(request: Request) -> str:
    project_id = request.body['tenant']
    identity = request.services.identity
    if identity is not None and not identity.project_exists(request.context, project_id):
        raise errors.Invalid(f'Project ID {project_id} is not a valid project.')
    return project_id


def _view(tx: Any, flavor_id: str) -> dict[str, Any]:
    return {
        'flavor_access': [
            {'flavor_id': flavor_id, 'tenant_id': project_id} for project_id in flavors.accesses(tx, flavor_id)
        ]
    }
