"""Extra specifications of flavors: what a size means beyond numbers."""

from typing import Any

from nova import errors
from nova.api import extra_specs, policy, tell
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import Body
from nova.db.stores import flavors

INDEX = policy.project_reader('os_compute_api:os-flavor-extra-specs:index', "See a flavor's extra specs.")
SHOW = policy.project_reader('os_compute_api:os-flavor-extra-specs:show', "See one of a flavor's extra specs.")
CREATE = policy.admin('os_compute_api:os-flavor-extra-specs:create', 'Give a flavor extra specs.')
UPDATE = policy.admin('os_compute_api:os-flavor-extra-specs:update', "Change one of a flavor's extra specs.")
DELETE = policy.admin('os_compute_api:os-flavor-extra-specs:delete', "Remove one of a flavor's extra specs.")

_NAME = '^[a-zA-Z0-9-_:. ]{1,255}$'
_VALUE = {'type': ['string', 'number'], 'maxLength': 255}
_SPECS = {'type': 'object', 'patternProperties': {_NAME: _VALUE}, 'additionalProperties': False, 'maxProperties': 1000}
SPECS = Body('extra_specs', inner=_SPECS)
ONE_SPEC = Body(None, inner=_SPECS | {'minProperties': 1, 'maxProperties': 1})

_PATH = '/flavors/{flavor_id}/os-extra_specs'


@route('GET', _PATH, policy=INDEX, samples=('flavor-extra-specs/flavor-extra-specs-list-resp.json',))
def listing(request: Request, flavor_id: str) -> dict[str, Any]:
    return {'extra_specs': _specs(request, flavor_id)}


@route('POST', _PATH, policy=CREATE, body=SPECS, samples=('flavor-extra-specs/flavor-extra-specs-create-resp.json',))
def create(request: Request, flavor_id: str) -> dict[str, Any]:
    return {'extra_specs': _set(request, flavor_id, request.body)}


@route('GET', _PATH + '/{name}', policy=SHOW, samples=('flavor-extra-specs/flavor-extra-specs-get-resp.json',))
def show(request: Request, flavor_id: str, name: str) -> dict[str, Any]:
    specs = _specs(request, flavor_id)
    if name not in specs:
        raise errors.NotFound(f'Flavor {flavor_id} has no extra specs with key {name}.')
    return {name: specs[name]}


@route(
    'PUT',
    _PATH + '/{name}',
    policy=UPDATE,
    body=ONE_SPEC,
    samples=('flavor-extra-specs/flavor-extra-specs-update-resp.json',),
)
def update(request: Request, flavor_id: str, name: str) -> dict[str, Any]:
    if name not in request.body:
        raise errors.Invalid('Request body and URI mismatch')
    return _set(request, flavor_id, request.body)


@route('DELETE', _PATH + '/{name}', policy=DELETE)
def delete(request: Request, flavor_id: str, name: str) -> None:
    with request.databases.api.writing() as tx:
        flavors.remove_extra_spec(tx, flavor_id, name)
    request.services.flavors.drop()
    tell.flavor_changed(request, flavor_id)


def _specs(request: Request, flavor_id: str) -> dict[str, str]:
    with request.databases.api.reading() as tx:
        project_id = None if request.context.is_admin else request.context.project_id
        return flavors.get(tx, flavor_id, project_id).extra_specs


def _set(request: Request, flavor_id: str, given: dict[str, Any]) -> dict[str, str]:
    specs = {name: str(value) for name, value in given.items()}
    if request.version >= (2, 86):
        for name, value in specs.items():
            extra_specs.check(name, value)
    with request.databases.api.writing() as tx:
        flavors.set_extra_specs(tx, flavor_id, specs)
    request.services.flavors.drop()
    tell.flavor_changed(request, flavor_id)
    return specs
